import DNS
import MessageFormat

/// Evaluates DMARC for one message (RFC 9989): discovers the policy, checks alignment, names the disposition.
public final class DMARCEvaluator {
    /// Most authenticated domains that are looked at; a message has at most one of SPF and ten of DKIM.
    public static let maxIdentities = 16

    private let lookups: Lookups
    private let walk: DMARCTreeWalk

    /// An evaluator whose questions count against `lookups`.
    public init(_ lookups: Lookups) {
        self.lookups = lookups
        walk = DMARCTreeWalk(lookups)
    }

    /// Evaluates mail whose Author Domain is `domain`; `completion` is called once, on the lookups' loop.
    public func evaluate(_ domain: Domain, _ identities: AuthenticatedDomains, completion: @escaping (DMARCResult) -> Void) {
        walk.walk(from: domain.ascii) { [self] findings in
            guard let policy = findings.applicable else {
                return completion(Self.withoutPolicy(domain, findings))
            }
            if policy.record.isInapplicable {
                return completion(DMARCResult(.none, domain: domain, reason: "the policy tags of _dmarc.\(policy.domain) are not valid"))
            }
            var draft = DMARCResult(.fail, domain: domain, reason: "")
            draft.record = policy.record
            draft.policyDomain = policy.domain
            draft.organizationalDomain = findings.failure == nil ? findings.organizationalDomain : nil
            align(draft, findings, candidates(identities, policy.record)) { [self] result in
                decide(result, policy, findings, identities, completion)
            }
        }
    }

    private static func withoutPolicy(_ domain: Domain, _ findings: DMARCTreeWalk.Findings) -> DMARCResult {
        if let failure = findings.failure { return DMARCResult(.temperror, domain: domain, reason: failure) }
        let remarks = findings.remarks.isEmpty ? "" : " (" + findings.remarks.joined(separator: "; ") + ")"
        var result = DMARCResult(.none, domain: domain, reason: "\(domain) publishes no policy\(remarks)")
        result.organizationalDomain = findings.organizationalDomain
        return result
    }

    // MARK: Alignment

    /// An authenticated domain that may align.
    private struct Candidate {
        let method: DMARCResult.Method
        let domain: String
        let mode: DMARCRecord.Alignment
    }

    private func candidates(_ identities: AuthenticatedDomains, _ record: DMARCRecord) -> [Candidate] {
        var list = identities.dkim.map { Candidate(method: .dkim, domain: $0.lowercased(), mode: record.dkimAlignment) }
        if let spf = identities.spf { list.insert(Candidate(method: .spf, domain: spf.lowercased(), mode: record.spfAlignment), at: 0) }
        return Array(list.prefix(Self.maxIdentities))
    }

    /// Notes the methods of `candidates` that align.
    private func align(_ draft: DMARCResult, _ findings: DMARCTreeWalk.Findings, _ candidates: [Candidate],
                       completion: @escaping (DMARCResult) -> Void) {
        guard let candidate = candidates.first else { return completion(draft) }
        let rest = Array(candidates.dropFirst())
        var draft = draft
        if candidate.domain == findings.start {
            draft.alignedBy.insert(candidate.method)
            return align(draft, findings, rest, completion: completion)
        }
        // Only a domain within the Organizational Domain can share it, so that strangers cost no question.
        guard candidate.mode == .relaxed, !draft.alignedBy.contains(candidate.method),
              let organization = draft.organizationalDomain,
              candidate.domain == organization || candidate.domain.hasSuffix("." + organization) else {
            return align(draft, findings, rest, completion: completion)
        }
        walk.walk(from: candidate.domain) { [self] other in
            if other.failure == nil, other.organizationalDomain == organization { draft.alignedBy.insert(candidate.method) }
            align(draft, findings, rest, completion: completion)
        }
    }

    // MARK: The decision

    private func decide(_ draft: DMARCResult, _ policy: DMARCTreeWalk.Findings.Found, _ findings: DMARCTreeWalk.Findings,
                        _ identities: AuthenticatedDomains, _ completion: @escaping (DMARCResult) -> Void) {
        var result = draft
        if !result.alignedBy.isEmpty {
            result.result = .pass
            result.reason = result.alignedBy.map(\.rawValue).sorted().joined(separator: " and ") + " passed and aligns with \(findings.start)"
        } else if let failure = findings.failure {
            result.result = .temperror
            result.reason = failure
        } else if let method = mayStillPass(identities, policy.record, findings) {
            result.result = .temperror
            result.reason = "\(method) could not be verified for now"
        } else {
            result.reason = Self.failure(identities, findings.start)
        }
        applyPolicy(result, policy, completion)
    }

    /// The method that failed temporarily and would align, had it passed.
    private func mayStillPass(_ identities: AuthenticatedDomains, _ record: DMARCRecord, _ findings: DMARCTreeWalk.Findings) -> String? {
        if identities.spfFailedTemporarily { return "SPF" }
        let organization = findings.organizationalDomain
        for domain in identities.dkimFailedTemporarily.map({ $0.lowercased() }) {
            if domain == findings.start { return "DKIM of \(domain)" }
            if record.dkimAlignment == .relaxed, domain == organization || domain.hasSuffix("." + organization) { return "DKIM of \(domain)" }
        }
        return nil
    }

    private static func failure(_ identities: AuthenticatedDomains, _ author: String) -> String {
        let passed = (identities.spf.map { ["spf \($0)"] } ?? []) + identities.dkim.prefix(3).map { "dkim \($0)" }
        if passed.isEmpty { return "neither SPF nor DKIM passed" }
        return "passed, but not aligned with \(author): " + passed.joined(separator: ", ")
    }

    /// Fills in policy and disposition; whether a subdomain exists is asked only where `np` makes a difference.
    private func applyPolicy(_ draft: DMARCResult, _ policy: DMARCTreeWalk.Findings.Found, _ completion: @escaping (DMARCResult) -> Void) {
        let record = policy.record
        let author = draft.domain?.ascii ?? policy.domain
        if author == policy.domain { return completion(Self.finished(draft, record.policy, record)) }
        let existing = record.policy(forSubdomainThatExists: true)
        if record.policy(forSubdomainThatExists: false) == existing { return completion(Self.finished(draft, existing, record)) }
        lookups.ask(author, .a) { answer in
            // A name that cannot be asked for now is taken to exist: NXDOMAIN alone says otherwise (RFC 9989 §3.2.13, RFC 8020).
            let exists = answer.status != .nameError
            completion(Self.finished(draft, record.policy(forSubdomainThatExists: exists), record))
        }
    }

    private static func finished(_ draft: DMARCResult, _ policy: DMARCRecord.Policy, _ record: DMARCRecord) -> DMARCResult {
        var result = draft
        result.policy = policy
        result.disposition = result.result == .fail ? (record.isTesting ? policy.oneLevelBelow : policy) : DMARCRecord.Policy.none
        if result.result == .fail, record.isTesting, policy != .none { result.reason += "; the Domain Owner is testing (t=y)" }
        return result
    }
}

import DNS
import Ports

/// What is known of a domain's MTA-STS policy.
public struct MTASTSFinding: Hashable, Sendable {
    /// Why a policy that a domain announces cannot be had (RFC 8460 §4.3.2).
    public struct Problem: Hashable, Sendable {
        /// The kind, in the words of TLS reports.
        public var type: TLSReport.ResultType
        /// The reason, for people.
        public var reason: String

        /// A problem.
        public init(_ type: TLSReport.ResultType, _ reason: String) {
            self.type = type
            self.reason = reason
        }
    }

    /// The policy in force; nil when there is none.
    public var policy: MTASTSPolicy?
    /// What went wrong on the way, whether or not an older policy is in force.
    public var problem: Problem?

    /// A finding.
    public init(policy: MTASTSPolicy? = nil, problem: Problem? = nil) {
        self.policy = policy
        self.problem = problem
    }
}

/// Limits of the discovery of policies.
public struct MTASTSSettings: Hashable, Sendable {
    /// How long fetching a policy may take (RFC 8461 §3.3).
    public var fetchTimeout = Duration.seconds(60)
    /// How long after a failed fetch no other is made (RFC 8461 §3.3).
    public var retryDelay = Duration.minutes(5)
    /// The age from which a policy in use is fetched again, so that it does not run out (RFC 8461 §3.3).
    public var refreshAge = Duration.days(1)
    /// Policies that are kept.
    public var maxPolicies = 10_000
    /// Fetches that may be under way at once; more domains count as unreachable for the moment.
    public var maxFetches = 64

    /// The documented defaults.
    public init() {}
}

/// Finds the policies of domains: by the record's id, from the cache, or by fetching (RFC 8461 §3).
///
/// Confined to one loop; `@unchecked Sendable` so that answers of the resolver may hold it.
public final class MTASTSDiscovery: @unchecked Sendable {
    private typealias Asker = @Sendable (MTASTSFinding) -> Void

    private let loop: any Loop
    private let resolver: any Resolver
    private let getter: any HTTPSGetting
    private let file: (any StateFile)?
    private var settings: MTASTSSettings
    private var cache: MTASTSCache
    /// Who waits for the policy of a domain that is being fetched.
    private var fetches: [String: [Asker]] = [:]
    /// Fetches that failed lately.
    private var failures: [String: (id: String, problem: MTASTSFinding.Problem, until: Timestamp)] = [:]

    /// The path of the policy at `mta-sts.` and the domain.
    public static let path = "/.well-known/mta-sts.txt"

    /// A discovery that continues with what `file` holds.
    public init(loop: any Loop, resolver: any Resolver, getter: any HTTPSGetting, file: (any StateFile)?,
                settings: MTASTSSettings = MTASTSSettings()) {
        self.loop = loop
        self.resolver = resolver
        self.getter = getter
        self.file = file
        self.settings = settings
        cache = MTASTSCache(decoding: file?.read() ?? [], at: loop.now, capacity: settings.maxPolicies)
    }

    /// Policies that are kept.
    public var cachedPolicies: Int { cache.count }

    /// Finds the policy of `domain`, an A-label name; completes once, on the loop, never before this returns.
    public func find(_ domain: String, completion: @escaping @Sendable (MTASTSFinding) -> Void) {
        resolver.resolve(MTASTSRecord.name(of: domain), .txt, on: loop) { answer in
            self.recordFound(domain, answer, completion)
        }
    }

    private func recordFound(_ domain: String, _ answer: DNSAnswer, _ completion: @escaping Asker) {
        let now = loop.now
        let texts = answer.records.compactMap { if case .txt(let text) = $0 { text } else { [UInt8]?.none } }
        let kept = cache.entry(for: domain, at: now)
        // Without a record that can be read a policy that is still good stays in force (RFC 8461 §3.1):
        // otherwise hiding the record would be enough to get around it.
        guard let record = MTASTSRecord(among: texts) else { return completion(MTASTSFinding(policy: kept?.policy)) }
        if let kept, kept.id == record.id {
            if kept.fetched + refreshAge(of: kept.policy) <= now { fetch(domain, record.id) { _ in } }
            return completion(MTASTSFinding(policy: kept.policy))
        }
        fetch(domain, record.id, completion)
    }

    /// A short-lived policy is fetched again when half of its time is over.
    private func refreshAge(of policy: MTASTSPolicy) -> Duration { min(settings.refreshAge, .seconds(policy.maxAge / 2)) }

    // MARK: Fetching

    private func fetch(_ domain: String, _ id: String, _ completion: @escaping Asker) {
        let now = loop.now
        if let failure = failures[domain], failure.id == id, now < failure.until {
            return completion(MTASTSFinding(policy: cache.entry(for: domain, at: now)?.policy, problem: failure.problem))
        }
        if fetches[domain] != nil {
            fetches[domain]?.append(completion)
            return
        }
        guard fetches.count < settings.maxFetches else {
            let problem = MTASTSFinding.Problem(.stsPolicyFetchError, "too many policies are being fetched")
            return completion(MTASTSFinding(policy: cache.entry(for: domain, at: now)?.policy, problem: problem))
        }
        fetches[domain] = [completion]
        getter.get(host: "mta-sts." + domain, path: MTASTSDiscovery.path, maxOctets: MTASTSPolicy.maxOctets,
                   timeout: settings.fetchTimeout, on: loop) { result in
            self.fetched(domain, id, MTASTSDiscovery.judge(result))
        }
    }

    private func fetched(_ domain: String, _ id: String, _ result: Result<MTASTSPolicy, MTASTSFetchError>) {
        let now = loop.now
        var finding = MTASTSFinding()
        switch result {
        case .success(let policy):
            cache.keep(MTASTSCache.Entry(id: id, policy: policy, fetched: now), for: domain)
            file?.write(cache.encoded(at: now))
            failures[domain] = nil
            finding.policy = policy
        case .failure(let error):
            finding.policy = cache.entry(for: domain, at: now)?.policy
            finding.problem = error.problem
            if failures.count >= settings.maxPolicies { failures = failures.filter { now < $0.value.until } }
            if failures.count < settings.maxPolicies { failures[domain] = (id, error.problem, now + settings.retryDelay) }
        }
        for asker in fetches.removeValue(forKey: domain) ?? [] { asker(finding) }
    }

    private static func judge(_ result: Result<HTTPSDocument, HTTPSFailure>) -> Result<MTASTSPolicy, MTASTSFetchError> {
        switch result {
        case .failure(let failure):
            return .failure(.init(failure.isCertificate ? .stsWebPKIInvalid : .stsPolicyFetchError, failure.description))
        case .success(let document):
            // Only 200 will do; redirections are not followed (RFC 8461 §3.3).
            guard document.status == 200 else {
                return .failure(.init(.stsPolicyFetchError, "the policy host answers with status \(document.status)"))
            }
            // A web server that lets strangers upload pictures must not let them set policies (RFC 8461 §3.2).
            let type = document.contentType?.prefix { $0 != ";" && $0 != " " }.lowercased()
            guard type == "text/plain" else { return .failure(.init(.stsPolicyInvalid, "the policy is not text/plain")) }
            do throws(MTASTSPolicyError) {
                return .success(try MTASTSPolicy(parsing: document.body))
            } catch {
                return .failure(.init(.stsPolicyInvalid, "the policy cannot be used: \(error)"))
            }
        }
    }
}

/// Why a fetch gave no policy.
private struct MTASTSFetchError: Error {
    let problem: MTASTSFinding.Problem

    init(_ type: TLSReport.ResultType, _ reason: String) { problem = MTASTSFinding.Problem(type, reason) }
}

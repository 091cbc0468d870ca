import MailAuth
import MessageFormat
import Ports
import SMTP

extension MessageVerifier {
    /// Whether a recipient must wait for the envelope's results.
    var decidesRecipients: Bool {
        settings.mode == .enforce && settings.spfFailure == .reject && !settings.isTrusted(client)
    }

    /// The reply to recipients where SPF refuses the sender; nil where it does not, or is not known yet.
    var recipientRefusal: Reply? {
        guard decidesRecipients, isEnvelopeKnown else { return nil }
        for case let result? in [mailFrom, helo] where result.result == .fail { return .spfFailed(result) }
        return nil
    }

    /// The domain for which SPF lets the client send; nil where it does not, or is not known yet.
    var authorisedDomain: String? {
        guard let mailFrom, mailFrom.result == .pass else { return nil }
        return mailFrom.domain
    }

    /// What is to be done with the message that `report` is about.
    func verdict(_ report: AuthenticationReport) -> MessageVerdict {
        let override = override(report)
        var results = report.authenticationResults(service: settings.service.ascii)
        if let helo, let heloRequest { results.methods.insert(helo.method(heloRequest), at: min(1, results.methods.count)) }
        if let reverseNames {
            results.methods.insert(.init("iprev", reverseNames.result, [.init("policy", "iprev", client.description)]), at: 0)
        }
        if let override, let index = results.methods.firstIndex(where: { $0.method == "dmarc" }) {
            results.methods[index].reason = [results.methods[index].reason, override].compactMap { $0 }.joined(separator: "; ")
        }
        var verdict = MessageVerdict(disposition: override == nil ? disposition(report) : .accept, results: results, chain: report.arc)
        if let spf = report.spf, let request = report.spfRequest {
            verdict.receivedSPF = spf.receivedField(request, receiver: settings.service.ascii)
        }
        verdict.senderPublishesSPF = report.spf?.result != AuthenticationResult.none
        return verdict
    }

    private func disposition(_ report: AuthenticationReport) -> MessageVerdict.Disposition {
        guard settings.mode == .enforce else { return .accept }
        if let refusal = recipientRefusal { return .reject(refusal) }
        // A name that two readers read differently is protected by nobody's policy.
        if let error = report.authorError, settings.authorless == .reject { return .reject(.noSingleAuthor(error)) }
        guard report.dmarc.result == .fail, let asked = report.dmarc.disposition else { return .accept }
        let reason = "DMARC policy of \(report.dmarc.policyDomain ?? "the author's domain"): \(report.dmarc.reason)"
        switch (asked, settings.dmarcRejection) {
        case (.none, _): return .accept
        case (.quarantine, _), (.reject, .quarantine): return quarantine(reason)
        case (.reject, .honour): return .reject(.dmarcRejected(report.dmarc))
        case (.reject, .tag): return .tag(reason)
        }
    }

    private func quarantine(_ reason: String) -> MessageVerdict.Disposition {
        switch settings.quarantine {
        case .hold: .hold(reason)
        case .tag: .tag(reason)
        }
    }

    /// Why the author's policy has no consequences here; nil where it has.
    private func override(_ report: AuthenticationReport) -> String? {
        guard report.dmarc.result == .fail, let author = report.author?.domain else { return nil }
        if settings.isTrusted(client) { return "\(client) is a trusted forwarder" }
        if let exempt = settings.exemptAuthors.first(where: { author.isWithin($0) }) { return "\(exempt) is exempt" }
        return report.trustedSealer.map { "\($0), a trusted sealer, saw it pass" }
    }
}

extension Reply {
    /// SPF says that the client may not send for the domain (RFC 7372 §3.2).
    static func spfFailed(_ result: SPFResult) -> Reply {
        let said = result.explanation.map { "; \(result.domain) says: \($0)" } ?? ""
        return Reply(550, .init(5, 7, 23), shown("SPF: \(result.reason)\(said)"))
    }

    /// The author's domain asks that the message be rejected (RFC 7372 §3.2).
    static func dmarcRejected(_ result: DMARCResult) -> Reply {
        let owner = result.policyDomain ?? "the author's domain"
        return Reply(550, .init(5, 7, 26), shown("Rejected by the DMARC policy of \(owner): \(result.reason)"))
    }

    /// The message does not have exactly one author (RFC 5322 §3.6.2).
    static func noSingleAuthor(_ error: AuthorError) -> Reply {
        Reply(550, .init(5, 6, 0), shown("The message needs exactly one author: \(error)"))
    }

    /// Text that fits into a reply line and drives no terminal (RFC 5321 §4.5.3.1.5).
    private static func shown(_ text: String) -> String {
        String(decoding: text.utf8.prefix(450).map { (0x20...0x7e).contains($0) ? $0 : 0x3f }, as: UTF8.self)
    }
}

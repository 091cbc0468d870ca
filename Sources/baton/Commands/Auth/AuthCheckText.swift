import Control
import DNS
import MailAuth
import MessageFormat
import Ports

/// A report in words: results with their reasons, then every DNS question with its answer.
struct AuthCheckText {
    let report: AuthenticationReport
    let asked: [Lookups.Asked]
    let service: String

    /// The lines for people; what comes from outside is made safe for the terminal.
    var lines: [String] {
        var lines: [String] = []
        if let spf = report.spf {
            lines += entry("SPF", spf.result, "\(spf.identity.rawValue) \(spf.domain), \(Readable.count(spf.lookups, "term")) asked DNS", spf.reason)
            if let explanation = spf.explanation { lines.append("               the domain explains: \(explanation)") }
        }
        for signature in report.dkim {
            let about = [signature.domain?.ascii, signature.selector.map { "selector \($0)" }, signature.algorithm?.rawValue].compactMap(\.self).joined(separator: ", ")
            lines += entry("DKIM", signature.result, about, signature.reason)
        }
        if report.hasMessage {
            if report.dkim.isEmpty { lines += entry("DKIM", .none, "", "the message has no signature") }
            lines += entry("ARC", report.arc.result, report.arc.instance.map { "\(Readable.count($0, "set"))" } ?? "", report.arc.reason)
            lines += dmarc(report.dmarc)
            if let sealer = report.trustedSealer { lines.append("               the trusted sealer \(sealer) saw it pass") }
        }
        lines += ["", asked.isEmpty ? "No DNS question was asked." : "DNS questions, in the order of their answers:"]
        for question in asked { lines += answer(question) }
        let field = String(decoding: report.authenticationResults(service: service).field.wire, as: UTF8.self)
        lines.append("")
        lines += field.split(whereSeparator: \.isNewline).map(String.init)
        return lines.map { TerminalText.safe($0) }
    }

    private func entry(_ name: String, _ result: AuthenticationResult, _ about: String, _ reason: String) -> [String] {
        let head = name + String(repeating: " ", count: max(1, 6 - name.count)) + result.rawValue
        let gap = String(repeating: " ", count: max(1, 15 - head.count))
        return [head + gap + (about.isEmpty ? reason : about)] + (about.isEmpty || reason.isEmpty ? [] : [String(repeating: " ", count: 15) + reason])
    }

    private func dmarc(_ dmarc: DMARCResult) -> [String] {
        var about = dmarc.domain?.ascii ?? ""
        if let policy = dmarc.policy, let disposition = dmarc.disposition {
            about += ", policy \(policy.rawValue)"
            if let domain = dmarc.policyDomain, domain != dmarc.domain?.ascii { about += " of \(domain)" }
            about += ", disposition \(disposition.rawValue)"
        }
        return entry("DMARC", dmarc.result, about, dmarc.reason)
    }

    private func answer(_ question: Lookups.Asked) -> [String] {
        let head = "  \(question.type) \(question.name)"
        guard question.status == .success else { return [head, "      " + word(question.status)] }
        return [head] + question.records.map { "      " + text($0) }
    }

    private func word(_ status: DNSAnswer.Status) -> String {
        switch status {
        case .success, .noData: "no record of this type"
        case .nameError: "no such name (NXDOMAIN)"
        case .serverFailure: "server failure (SERVFAIL)"
        case .timedOut: "no answer in time"
        case .bogus: "DNSSEC validation failed"
        }
    }

    private func text(_ record: DNSRecord) -> String {
        switch record {
        case .a(let address), .aaaa(let address): address.description
        case .mx(let preference, let exchange): "\(preference) \(exchange.isEmpty ? "." : exchange)"
        case .txt(let octets): "\"" + String(decoding: octets, as: UTF8.self) + "\""
        case .ptr(let name), .cname(let name): name
        case .tlsa(let usage, let selector, let matching, _): "\(usage) \(selector) \(matching) …"
        }
    }
}

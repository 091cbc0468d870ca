import DNS
import MailAuth
import MessageFormat
import Ports

/// A report as one JSON object; docs/AUTHENTICATION.md describes the members, which are always all there.
struct AuthCheckJSON {
    let report: AuthenticationReport
    let service: String

    /// The members, after `id` where there is one.
    func object(id: [UInt8]?) -> JSONText {
        var members: [(String, JSONText)] = []
        if let id { members.append(("id", .raw(id))) }
        members.append(("spf", spf))
        members.append(("dkim", .list(report.dkim.map(signature))))
        members.append(("dmarc", dmarc))
        members.append(("arc", .object([
            ("result", .text(report.arc.result.rawValue)), ("instance", report.arc.instance.map(JSONText.number) ?? .null),
            ("reason", .text(report.arc.reason)), ("trustedSealer", .optional(report.trustedSealer?.ascii)),
        ])))
        members.append(("authenticationResults", .text(report.authenticationResults(service: service).body)))
        return .object(members)
    }

    /// The members for `--json`: those of a batch, and the DNS questions.
    func objectWithQuestions(_ asked: [Lookups.Asked]) -> JSONText {
        guard case .object(var members) = object(id: nil) else { return .null }
        members.append(("dns", .list(asked.map { question in
            .object([("name", .text(question.name)), ("type", .text(question.type.description)), ("status", .text(Self.word(question.status))),
                     ("records", .list(question.records.map { .text(Self.text($0)) }))])
        })))
        return .object(members)
    }

    private var spf: JSONText {
        guard let spf = report.spf else {
            return .object([("result", .text("none")), ("identity", .null), ("explanation", .null), ("lookups", .number(0)),
                            ("domain", .null), ("reason", .text("no client address was given"))])
        }
        return .object([
            ("result", .text(spf.result.rawValue)), ("identity", .text(spf.identity.rawValue)), ("explanation", .optional(spf.explanation)),
            ("lookups", .number(spf.lookups)), ("domain", .text(spf.domain)), ("reason", .text(spf.reason)),
        ])
    }

    private func signature(_ signature: DKIMResult) -> JSONText {
        .object([
            ("result", .text(signature.result.rawValue)), ("domain", .optional(signature.domain?.ascii)), ("selector", .optional(signature.selector)),
            ("algorithm", .optional(signature.algorithm?.rawValue)), ("reason", .text(signature.reason)),
        ])
    }

    private var dmarc: JSONText {
        let dmarc = report.dmarc
        let methods = DMARCResult.Method.allCases.filter(dmarc.alignedBy.contains).map(\.rawValue).joined(separator: ",")
        return .object([
            ("result", .text(dmarc.result.rawValue)), ("policy", .optional(dmarc.policy?.rawValue)),
            ("disposition", .optional(dmarc.disposition?.rawValue)), ("domain", .optional(dmarc.domain?.ascii)),
            ("alignedBy", .optional(methods.isEmpty ? nil : methods)), ("organizationalDomain", .optional(dmarc.organizationalDomain)),
            ("policyDomain", .optional(dmarc.policyDomain)), ("reason", .text(dmarc.reason)),
        ])
    }

    private static func word(_ status: DNSAnswer.Status) -> String {
        switch status {
        case .success: "NOERROR"
        case .noData: "NODATA"
        case .nameError: "NXDOMAIN"
        case .serverFailure: "SERVFAIL"
        case .timedOut: "TIMEOUT"
        case .bogus: "BOGUS"
        }
    }

    private static func text(_ record: DNSRecord) -> String {
        switch record {
        case .a(let address), .aaaa(let address): address.description
        case .mx(let preference, let exchange): "\(preference) \(exchange.isEmpty ? "." : exchange)"
        case .txt(let octets): String(decoding: octets, as: UTF8.self)
        case .ptr(let name), .cname(let name): name
        case .tlsa(let usage, let selector, let matching, let data):
            "\(usage) \(selector) \(matching) " + data.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
    }
}

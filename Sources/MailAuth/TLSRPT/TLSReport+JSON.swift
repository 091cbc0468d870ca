import MessageFormat
import Ports

extension TLSReport {
    /// The report as JSON (RFC 8460 §4.4).
    public var json: [UInt8] {
        var text = JSONText()
        text.object { report in
            report.member("organization-name", organization)
            report.object("date-range") { range in
                range.member("start-datetime", TLSReport.dateTime(start))
                range.member("end-datetime", TLSReport.dateTime(end))
            }
            report.member("contact-info", contact)
            report.member("report-id", id)
            report.array("policies", policies) { $0.result($1) }
        }
        return text.octets
    }

    /// To the second: `2016-04-01T00:00:00Z`.
    private static func dateTime(_ moment: Timestamp) -> String { DateTime.rfc3339(moment).prefix(19) + "Z" }
}

extension JSONText {
    fileprivate mutating func result(_ result: TLSReport.PolicyResult) {
        object { item in
            item.object("policy") { policy in
                policy.member("policy-type", result.policy.type.rawValue)
                if !result.policy.strings.isEmpty { policy.array("policy-string", result.policy.strings) { $0.string($1) } }
                policy.member("policy-domain", result.policy.domain)
                // One pattern is written as a string, as in the example of RFC 8460 appendix B.
                if result.policy.mxHosts.count == 1 {
                    policy.member("mx-host", result.policy.mxHosts[0])
                } else if !result.policy.mxHosts.isEmpty {
                    policy.array("mx-host", result.policy.mxHosts) { $0.string($1) }
                }
            }
            item.object("summary") { summary in
                summary.member("total-successful-session-count", result.successes)
                summary.member("total-failure-session-count", result.failures)
            }
            if !result.details.isEmpty { item.array("failure-details", result.details) { $0.failure($1) } }
        }
    }

    private mutating func failure(_ failure: TLSReport.Failure) {
        object { item in
            item.member("result-type", failure.type.rawValue)
            item.member("sending-mta-ip", failure.sendingAddress)
            item.member("receiving-mx-hostname", failure.receivingHost)
            item.member("receiving-mx-helo", failure.receivingHELO)
            item.member("receiving-ip", failure.receivingAddress)
            item.member("failed-session-count", failure.sessions)
            item.member("additional-information", failure.additionalInformation)
            item.member("failure-reason-code", failure.reasonCode)
        }
    }
}

/// Builds JSON (RFC 8259); the only door for text into a report.
struct JSONText {
    private(set) var octets: [UInt8] = []
    private var needsComma = false

    mutating func object(_ members: (inout JSONText) -> Void) { enclosed("{", "}", members) }

    mutating func object(_ name: String, _ members: (inout JSONText) -> Void) {
        self.name(name)
        object(members)
    }

    mutating func array<Element>(_ name: String, _ elements: [Element], _ write: (inout JSONText, Element) -> Void) {
        self.name(name)
        enclosed("[", "]") { text in
            for element in elements { write(&text, element) }
        }
    }

    /// A member; none when there is no value.
    mutating func member(_ name: String, _ value: String?) {
        guard let value else { return }
        self.name(name)
        string(value)
    }

    mutating func member(_ name: String, _ value: UInt64) {
        self.name(name)
        separate()
        octets.append(contentsOf: String(value).utf8)
        needsComma = true
    }

    mutating func string(_ value: String) {
        separate()
        octets.append(UInt8(ascii: "\""))
        for octet in value.utf8 {
            switch octet {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                octets.append(UInt8(ascii: "\\"))
                octets.append(octet)
            case 0..<0x20, 0x7f:
                octets.append(contentsOf: (octet < 16 ? "\\u000" : "\\u00").utf8)
                octets.append(contentsOf: String(octet, radix: 16).utf8)
            default:
                octets.append(octet)
            }
        }
        octets.append(UInt8(ascii: "\""))
        needsComma = true
    }

    private mutating func name(_ name: String) {
        string(name)
        octets.append(UInt8(ascii: ":"))
        needsComma = false
    }

    private mutating func separate() {
        if needsComma { octets.append(UInt8(ascii: ",")) }
    }

    private mutating func enclosed(_ open: Unicode.Scalar, _ close: Unicode.Scalar, _ content: (inout JSONText) -> Void) {
        separate()
        octets.append(UInt8(ascii: open))
        needsComma = false
        content(&self)
        octets.append(UInt8(ascii: close))
        needsComma = true
    }
}

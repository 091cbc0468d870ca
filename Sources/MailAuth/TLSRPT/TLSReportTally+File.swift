extension TLSReportTally {
    private static let header = "baton tls-reports 1"

    /// The tally as text: a line for each policy, followed by one for each of its failure details.
    public var encoded: [UInt8] {
        var lines = [TLSReportTally.header]
        for key in keys {
            for result in results(for: key) {
                let policy = result.policy
                lines.append(TLSReportTally.line(["P", "\(key.day)", key.domain, policy.type.rawValue, "\(result.successes)",
                                                  "\(result.failures)", policy.domain, "\(policy.strings.count)"]
                                                 + policy.strings + policy.mxHosts))
                for failure in result.details {
                    lines.append(TLSReportTally.line(["F", failure.type.rawValue, "\(failure.sessions)", failure.sendingAddress,
                                                      failure.receivingHost, failure.receivingHELO, failure.receivingAddress,
                                                      failure.additionalInformation, failure.reasonCode]))
                }
            }
        }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// Reads what `encoded` wrote; lines that are damaged are left out.
    public init(decoding text: [UInt8], limits: Limits = Limits()) {
        self.init(limits: limits)
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        guard lines.first == TLSReportTally.header[...] else { return }
        var current: (key: Key, result: TLSReport.PolicyResult)?
        for line in lines.dropFirst() {
            let fields = TLSReportTally.fields(line)
            if fields.first == "P" {
                if let done = current { restore(done.result, for: done.key) }
                current = TLSReportTally.policy(fields)
            } else if let failure = TLSReportTally.failure(fields) {
                current?.result.details.append(failure)
            }
        }
        if let done = current { restore(done.result, for: done.key) }
    }

    private static func policy(_ fields: [String?]) -> (Key, TLSReport.PolicyResult)? {
        guard fields.count >= 8, let day = fields[1].flatMap({ Int64($0) }), (0...100_000).contains(day), let domain = fields[2],
              let type = fields[3].flatMap(TLSReport.PolicyType.init), let successes = fields[4].flatMap({ UInt64($0) }),
              let failures = fields[5].flatMap({ UInt64($0) }), let policyDomain = fields[6],
              let count = fields[7].flatMap({ Int($0) }), (0...(fields.count - 8)).contains(count) else { return nil }
        let texts = fields.dropFirst(8).compactMap { $0 }
        guard texts.count == fields.count - 8 else { return nil }
        let policy = TLSReport.Policy(type: type, strings: Array(texts.prefix(count)), domain: policyDomain,
                                      mxHosts: Array(texts.dropFirst(count)))
        return (Key(day: day, domain: domain),
                TLSReport.PolicyResult(policy: policy, successes: successes, failures: failures, details: []))
    }

    private static func failure(_ fields: [String?]) -> TLSReport.Failure? {
        guard fields.count == 9, fields[0] == "F", let type = fields[1].flatMap(TLSReport.ResultType.init),
              let sessions = fields[2].flatMap({ UInt64($0) }) else { return nil }
        return TLSReport.Failure(type: type, sendingAddress: fields[3], receivingHost: fields[4], receivingHELO: fields[5],
                                 receivingAddress: fields[6], sessions: sessions, additionalInformation: fields[7], reasonCode: fields[8])
    }

    // MARK: Fields

    /// Fields with a blank between them; nothing is `-`, and what is not printable ASCII is written %XX.
    private static func line(_ fields: [String?]) -> String {
        fields.map { $0.map(escaped) ?? "-" }.joined(separator: " ")
    }

    private static func escaped(_ text: String) -> String {
        if text == "-" { return "%2d" }
        if text.isEmpty { return "%" }
        var result: [UInt8] = []
        for octet in text.utf8 {
            if (0x21...0x7e).contains(octet), octet != UInt8(ascii: "%") {
                result.append(octet)
            } else {
                result.append(contentsOf: (octet < 16 ? "%0" : "%").utf8)
                result.append(contentsOf: String(octet, radix: 16).utf8)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func fields(_ line: Substring) -> [String?] {
        line.split(separator: " ", omittingEmptySubsequences: false).map { $0 == "-" ? nil : unescaped($0) }
    }

    private static func unescaped(_ text: Substring) -> String {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "%") else { result.append(octet); continue }
            let digits = rest.prefix(2)
            rest = rest.dropFirst(2)
            if digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) { result.append(value) }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

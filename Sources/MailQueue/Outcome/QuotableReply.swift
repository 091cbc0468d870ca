import Events
import SMTP

extension Reply {
    /// As much of a remote host's reply as log, events and reports repeat: 20 lines of 512 octets, without controls.
    var quotable: Reply { quotable(lines: 20) }

    /// The same with another limit.
    func quotable(lines limit: Int) -> Reply {
        // An ordinary reply is one short line, and looking is cheaper than copying.
        if lines.count <= limit, lines.allSatisfy(\.isQuotable) { return self }
        return Reply(code: code, enhanced: enhanced, lines: lines.prefix(limit).map(\.quotable))
    }
}

extension Diagnosis {
    /// Octets of replies that the results of one attempt repeat in all: they are one record, and the log takes no record
    /// larger than a segment.
    private static let maxRepeatedOctets = 2 << 20

    /// The diagnosis with no more of the remote host's words than are repeated for each of so many recipients.
    func quotable(recipients: Int) -> Diagnosis {
        guard let reply else { return self }
        let lines = Diagnosis.maxRepeatedOctets / (max(recipients, 1) * String.maxQuotedOctets)
        var diagnosis = self
        diagnosis.reply = reply.quotable(lines: min(max(lines, 1), 20))
        return diagnosis
    }
}

extension String {
    fileprivate static let maxQuotedOctets = 512

    fileprivate var isQuotable: Bool {
        utf8.count <= String.maxQuotedOctets && utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
    }

    fileprivate var quotable: String {
        var quoted = ""
        var octets = 0
        for scalar in unicodeScalars {
            octets += UTF8.width(scalar)
            if octets > String.maxQuotedOctets { break }
            let isControl = scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value)
            quoted.unicodeScalars.append(isControl ? " " : scalar)
        }
        return quoted
    }
}

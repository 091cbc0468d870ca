import Events
import SMTP

extension Reply {
    /// As much of a remote host's reply as log, events and reports repeat: 20 lines of 512 octets, without controls.
    var quotable: Reply {
        // An ordinary reply is one short line, and looking is cheaper than copying.
        if lines.count <= 20, lines.allSatisfy(\.isQuotable) { return self }
        return Reply(code: code, enhanced: enhanced, lines: lines.prefix(20).map(\.quotable))
    }
}

extension Diagnosis {
    /// The diagnosis with no more of the remote host's words than are repeated.
    var quotable: Diagnosis {
        guard let reply else { return self }
        var diagnosis = self
        diagnosis.reply = reply.quotable
        return diagnosis
    }
}

extension String {
    private static let maxQuotedOctets = 512

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

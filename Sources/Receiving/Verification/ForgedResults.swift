import MailAuth
import MessageFormat

/// Fields that only this host may write, found in mail from outside (RFC 8601 §5).
enum ForgedResults {
    /// Takes them out of the header section at the start of `message`; whether there were any.
    ///
    /// Nothing else of a message is ever changed. A signature over such a field breaks, as it should: who signed
    /// it spoke in our name.
    @discardableResult
    static func remove(from message: inout [UInt8], service: Domain) -> Bool {
        let bytes = message
        var forged: [Range<Int>] = []
        var start = 0
        // Every field that a later reader might find has to be looked at, however many there are.
        while let section = try? HeaderSection(scanning: bytes.span, from: start, limits: HeaderLimits(octets: .max, fields: .max)) {
            forged += section.all(.authenticationResults, in: bytes.span)
                .filter { AuthenticationResults.claims(service.ascii, body: bytes[$0.body]) }.map(\.lines)
            forged += section.all(MessageVerdict.field, in: bytes.span).map(\.lines)
            // Some readers step over a line that is no field, and find more fields behind it.
            guard section.ending == .malformedLine, let end = bytes[section.bodyStart...].firstIndex(of: 0x0a) else { break }
            start = end + 1
        }
        guard !forged.isEmpty else { return false }
        message.removeAll(keepingCapacity: true)
        var kept = 0
        for lines in forged.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            message += bytes[kept..<lines.lowerBound]
            kept = lines.upperBound
        }
        message += bytes[kept...]
        return true
    }
}

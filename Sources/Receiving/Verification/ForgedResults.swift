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
        // Every field that a later reader might find has to be looked at, however many there are.
        guard let section = try? HeaderSection(scanning: message, limits: HeaderLimits(octets: .max, fields: .max)) else { return false }
        let bytes = message
        let forged = section.all(.authenticationResults, in: bytes.span)
            .filter { AuthenticationResults.claims(service.ascii, body: bytes[$0.body]) } + section.all(MessageVerdict.field, in: bytes.span)
        for field in forged.sorted(by: { $0.lines.lowerBound > $1.lines.lowerBound }) { message.removeSubrange(field.lines) }
        return !forged.isEmpty
    }
}

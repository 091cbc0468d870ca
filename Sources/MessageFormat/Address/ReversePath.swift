/// Whom failures are reported to: the argument of MAIL FROM (RFC 5321 §4.1.1.2).
public enum ReversePath: Hashable, Sendable, CustomStringConvertible {
    /// The null reverse-path of a delivery report: `MAIL FROM:<>` (RFC 5321 §4.5.5).
    case null
    /// A mailbox.
    case mailbox(EmailAddress)

    /// The mailbox; nil for the null path.
    public var address: EmailAddress? {
        if case .mailbox(let address) = self { address } else { nil }
    }

    /// Whether the path can go to a hop without SMTPUTF8.
    public var isASCII: Bool { address?.isASCII ?? true }

    /// Appends the path with its brackets to `bytes`.
    public func append(to bytes: inout [UInt8]) {
        bytes.append(0x3c)
        address?.append(to: &bytes)
        bytes.append(0x3e)
    }

    /// The path with its brackets.
    public var description: String { "<\(address?.description ?? "")>" }
}

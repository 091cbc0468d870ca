/// Where a message is to go: the argument of RCPT TO (RFC 5321 §4.1.1.3).
public enum ForwardPath: Hashable, Sendable, CustomStringConvertible {
    /// `RCPT TO:<Postmaster>` without a domain, in any case of letters.
    case postmaster
    /// A mailbox.
    case mailbox(EmailAddress)

    /// The mailbox; nil for the bare postmaster.
    public var address: EmailAddress? {
        if case .mailbox(let address) = self { address } else { nil }
    }

    /// Appends the path with its brackets to `bytes`.
    public func append(to bytes: inout [UInt8]) {
        bytes.append(0x3c)
        if let address { address.append(to: &bytes) } else { bytes.append(contentsOf: "postmaster".utf8) }
        bytes.append(0x3e)
    }

    /// The path with its brackets.
    public var description: String { "<\(address?.description ?? "postmaster")>" }
}

/// The recipient as the sender first wrote it: the value of `ORCPT=` (RFC 3461 §4.2, RFC 6533 §3).
public struct OriginalRecipient: Hashable, Sendable {
    /// The kind of address in lower case: `rfc822`, `utf-8` or another registered type.
    public var addressType: String
    /// The address, decoded; it holds no control characters.
    public var address: String

    /// An original recipient of a type and decoded address.
    public init(addressType: String, address: String) {
        self.addressType = addressType
        self.address = address
    }
}

/// How long the parts of an address may be, in octets as they stand on the wire (RFC 5321 §4.5.3.1).
///
/// A domain is always limited to the 253 octets of a DNS name, a label to 63.
public struct AddressLimits: Hashable, Sendable {
    /// Longest local part, quotes included.
    public var localPart: Int
    /// Longest path, with `<`, `>` and source route.
    public var path: Int

    /// Limits other than the standard ones; VERP senders go over 64 octets in the wild.
    public init(localPart: Int = 64, path: Int = 256) {
        self.localPart = localPart
        self.path = path
    }

    /// The limits of RFC 5321: 64 and 256.
    public static let standard = AddressLimits()
}

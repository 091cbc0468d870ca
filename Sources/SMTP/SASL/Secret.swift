/// Octets that nobody but their receiver may see: a password, a token, a key.
///
/// Whatever prints it, prints a placeholder, so that no log, error or dump can hold the octets by mistake.
public struct Secret: Hashable, Sendable {
    /// The octets.
    public let octets: [UInt8]

    /// The secret made of `octets`.
    public init(_ octets: [UInt8]) { self.octets = octets }

    /// The secret made of the UTF-8 octets of `text`.
    public init(_ text: String) { octets = Array(text.utf8) }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "(secret)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

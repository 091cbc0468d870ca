/// Where documents of issuers come from; filled in by whatever reads files and talks HTTPS.
public struct KeySetSource: Sendable {
    /// Reads the document of an issuer's keys and calls back once, on any thread; nil when it cannot be had.
    public let read: @Sendable (TokenIssuer, @escaping @Sendable ([UInt8]?) -> Void) -> Void

    /// A source that reads by `read`.
    public init(_ read: @escaping @Sendable (TokenIssuer, @escaping @Sendable ([UInt8]?) -> Void) -> Void) { self.read = read }
}

/// What one SPF check may cost, whatever strangers publish (RFC 7208 §4.6.4).
public struct SPFLimits: Hashable, Sendable {
    /// Terms that cause DNS lookups, over all records: `include`, `a`, `mx`, `ptr`, `exists` and `redirect`.
    public var lookupTerms: Int
    /// Terms whose lookup finds nothing.
    public var voidLookups: Int
    /// Mail exchanges of one `mx`.
    public var mailExchanges: Int
    /// Names that the client's address points to; further ones are ignored.
    public var pointerNames: Int
    /// Octets of a record; a longer one is a permanent error.
    public var recordOctets: Int
    /// Octets that a macro string may expand to.
    public var expansionOctets: Int

    /// The limits of RFC 7208, unless told otherwise.
    public init(lookupTerms: Int = 10, voidLookups: Int = 2, mailExchanges: Int = 10, pointerNames: Int = 10,
                recordOctets: Int = 16_384, expansionOctets: Int = 4096) {
        self.lookupTerms = lookupTerms
        self.voidLookups = voidLookups
        self.mailExchanges = mailExchanges
        self.pointerNames = pointerNames
        self.recordOctets = recordOctets
        self.expansionOctets = expansionOctets
    }

    /// The limits of RFC 7208.
    public static let standard = SPFLimits()
}

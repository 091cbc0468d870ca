/// How much header a message may have.
public struct HeaderLimits: Hashable, Sendable {
    /// Octets of the whole header section.
    public var octets: Int
    /// Number of fields.
    public var fields: Int

    /// Limits other than the standard ones.
    public init(octets: Int = 262_144, fields: Int = 1000) {
        self.octets = octets
        self.fields = fields
    }

    /// 256 KiB and 1000 fields.
    public static let standard = HeaderLimits()
}

/// Why a header section was not read to its end.
public enum HeaderError: Error, Hashable, Sendable {
    /// More octets than allowed before the end of the section.
    case tooLong
    /// More fields than allowed.
    case tooManyFields
}

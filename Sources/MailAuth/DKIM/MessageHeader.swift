import MessageFormat

/// The header section of a message with its octets: what signatures are made over.
public struct MessageHeader: Hashable, Sendable {
    /// The octets that were scanned; field positions count from their start.
    public let octets: [UInt8]
    /// Where the fields lie.
    public let section: HeaderSection

    /// Scans the header section at the start of `octets`; what follows it may be there and is not looked at.
    public init(scanning octets: [UInt8], limits: HeaderLimits = .standard) throws(HeaderError) {
        section = try HeaderSection(scanning: octets, limits: limits)
        self.octets = octets
    }

    /// The octets of one field, folds and final line end included.
    public func lines(of field: HeaderSection.Field) -> ArraySlice<UInt8> { octets[field.lines] }

    /// The octets between the colon of one field and its final line end.
    public func body(of field: HeaderSection.Field) -> ArraySlice<UInt8> { octets[field.body] }

    /// All fields named `name`, from top to bottom.
    public func fields(_ name: HeaderName) -> [HeaderSection.Field] { section.all(name, in: octets.span) }

    /// Whether a line that is neither a field nor empty ended the section: scanners disagree about such a message,
    /// and a signature over one reading says nothing about another.
    public var isMalformed: Bool { section.ending == .malformedLine }
}

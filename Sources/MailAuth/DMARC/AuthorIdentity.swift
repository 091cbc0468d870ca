import MessageFormat

/// Whose name a message bears: the one address of its one `From` field (RFC 9989 §4.3, RFC 5322 §3.6.2).
public struct AuthorIdentity: Hashable, Sendable {
    /// The author's mailbox.
    public let mailbox: HeaderMailbox
    /// The Author Domain.
    public let domain: Domain

    /// Finds the author in the header section of a message whose bytes are `bytes`.
    ///
    /// There must be exactly one field with exactly one address, which is no group: anything else lets
    /// two readers see two authors, and DMARC would protect one of them only.
    public init(of section: HeaderSection, in bytes: Span<UInt8>) throws(AuthorError) {
        if section.ending == .malformedLine { throw .malformedHeader }
        let fields = section.all(.from, in: bytes)
        guard let field = fields.first else { throw .missing }
        guard fields.count == 1 else { throw .severalFields }
        guard field.body.upperBound <= bytes.count else { throw .missing }
        try self.init(parsing: bytes.extracting(field.body))
    }

    /// Finds the author in the body of a `From` field.
    public init(parsing body: Span<UInt8>) throws(AuthorError) {
        let addresses: [HeaderAddress]
        do {
            addresses = try AddressListParser().addresses(in: body)
        } catch {
            throw .malformed(error)
        }
        guard let first = addresses.first else { throw .noAddress }
        guard addresses.count == 1 else { throw .severalAddresses }
        guard case .mailbox(let mailbox) = first else { throw .group }
        guard let domain = mailbox.address.domain else { throw .addressLiteral }
        self.mailbox = mailbox
        self.domain = domain
    }

    /// Finds the author in the body of a `From` field.
    public init(parsing body: [UInt8]) throws(AuthorError) { try self.init(parsing: body.span) }
}

/// Why a message has no single author.
public enum AuthorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no `From` field.
    case missing
    /// There is more than one `From` field.
    case severalFields
    /// The field is empty.
    case noAddress
    /// The field has more than one address.
    case severalAddresses
    /// The field has a group.
    case group
    /// The address has an address literal instead of a domain.
    case addressLiteral
    /// The field is not a list of addresses.
    case malformed(AddressListError)
    /// The header section ends in a line that is neither a field nor empty.
    case malformedHeader
    /// The header section is larger than what is read.
    case tooLong

    /// A constant English phrase, safe to show to a peer.
    public var description: String {
        switch self {
        case .missing: "there is no From field"
        case .severalFields: "there is more than one From field"
        case .noAddress: "the From field has no address"
        case .severalAddresses: "the From field has more than one address"
        case .group: "the From field has a group"
        case .addressLiteral: "the From address has no domain"
        case .malformed(let error): "the From field is malformed: \(error)"
        case .malformedHeader: "the header has a line that is not a field"
        case .tooLong: "the header is too long"
        }
    }
}

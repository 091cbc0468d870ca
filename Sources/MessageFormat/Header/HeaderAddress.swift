/// One address of a header field such as `From` or `To` (RFC 5322 §3.4, RFC 6854).
public enum HeaderAddress: Hashable, Sendable {
    /// A mailbox, with or without a display name.
    case mailbox(HeaderMailbox)
    /// A named group of mailboxes, which may be empty.
    case group(name: String, members: [HeaderMailbox])

    /// The mailboxes that this address stands for.
    public var mailboxes: [HeaderMailbox] {
        switch self {
        case .mailbox(let mailbox): [mailbox]
        case .group(_, let members): members
        }
    }
}

/// Why a field body is not a list of addresses.
public enum AddressListError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The field is longer than the limit.
    case tooLong
    /// There are more addresses than the limit.
    case tooManyAddresses
    /// A comment that has no end.
    case unclosedComment
    /// A quoted string that has no end.
    case unclosedQuote
    /// A `<` without its `>`, or a group without its `;`.
    case unclosedBracket
    /// A character, or its absence, that the grammar does not allow.
    case syntax
    /// The address itself is not valid.
    case address(AddressError)

    /// A constant English phrase, safe to show to a peer.
    public var description: String {
        switch self {
        case .tooLong: "the address field is too long"
        case .tooManyAddresses: "the field has too many addresses"
        case .unclosedComment: "a comment has no end"
        case .unclosedQuote: "a quoted string has no end"
        case .unclosedBracket: "a bracket or group has no end"
        case .syntax: "the field is not a list of addresses"
        case .address(let error): error.description
        }
    }
}

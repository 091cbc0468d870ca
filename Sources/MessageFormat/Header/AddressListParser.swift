/// The one parser of address lists in header fields (RFC 5322 §3.4, with groups, comments, quoted strings and UTF-8).
///
/// It is strict where lenient readers differ, so that what is authenticated is what is shown: no
/// routes, no blanks or comments within a domain or a local part, nothing between a display name and
/// the end but one address in angle brackets. Encoded words are text of display names only.
public struct AddressListParser: Hashable, Sendable {
    /// Longest field body in octets.
    public var maxOctets: Int
    /// Most mailboxes of a list.
    public var maxAddresses: Int
    /// Longest local part and address.
    public var limits: AddressLimits

    /// A parser for bodies of at most 64 KiB and 1000 mailboxes unless told otherwise.
    public init(maxOctets: Int = 65_536, maxAddresses: Int = 1000, limits: AddressLimits = .standard) {
        self.maxOctets = maxOctets
        self.maxAddresses = maxAddresses
        self.limits = limits
    }

    /// Parses the whole of `body`: everything after the colon, folds included.
    public func addresses(in body: Span<UInt8>) throws(AddressListError) -> [HeaderAddress] {
        guard body.count <= maxOctets else { throw .tooLong }
        var scanner = AddressScanner(limits)
        var list: [HeaderAddress] = []
        var count = 0
        while let element = try scanner.element(body) {
            switch element {
            case .mailbox(let mailbox):
                list.append(.mailbox(mailbox))
                count += 1
            case .groupStart(let name):
                let members = try scanner.members(body, limit: maxAddresses)
                list.append(.group(name: name, members: members))
                count += max(members.count, 1)
            }
            guard count <= maxAddresses else { throw .tooManyAddresses }
            try scanner.endOfElement(body)
        }
        return list
    }

    /// Parses the whole of `body`.
    public func addresses(in body: [UInt8]) throws(AddressListError) -> [HeaderAddress] { try addresses(in: body.span) }

    /// Parses the whole of `body`.
    public func addresses(in body: ArraySlice<UInt8>) throws(AddressListError) -> [HeaderAddress] { try addresses(in: body.span) }
}

/// Walks over the octets of an address list.
private struct AddressScanner {
    enum Element {
        case mailbox(HeaderMailbox)
        case groupStart(name: String)
    }

    private let limits: AddressLimits
    private var index = 0

    init(_ limits: AddressLimits) { self.limits = limits }

    /// The next mailbox or start of a group; nil at the end of the body. Empty elements are skipped (RFC 5322 §4.4).
    mutating func element(_ body: Span<UInt8>) throws(AddressListError) -> Element? {
        try skipCommas(body)
        guard index < body.count else { return nil }
        var phrase = Phrase()
        while true {
            guard let octet = try word(body, into: &phrase) else { continue }
            if octet == 0x3c {
                return .mailbox(try angleAddress(body, displayName: phrase.text))
            } else if octet == 0x40 {
                return .mailbox(HeaderMailbox(address: try address(body, phrase)))
            } else if octet == 0x3a, !phrase.isEmpty {
                index += 1
                return .groupStart(name: phrase.text ?? "")
            } else {
                throw octet.isControl ? .address(.controlCharacter) : .syntax
            }
        }
    }

    /// The mailboxes of a group, up to and with its semicolon.
    mutating func members(_ body: Span<UInt8>, limit: Int) throws(AddressListError) -> [HeaderMailbox] {
        var members: [HeaderMailbox] = []
        while true {
            try skipCommas(body)
            guard index < body.count else { throw .unclosedBracket }
            if body[index] == 0x3b {
                index += 1
                return members
            }
            // A group within a group is not in the grammar.
            guard case .mailbox(let mailbox)? = try element(body) else { throw .syntax }
            members.append(mailbox)
            guard members.count <= limit else { throw .tooManyAddresses }
            try skipBlanks(body)
            guard index < body.count else { throw .unclosedBracket }
            guard body[index] == 0x2c || body[index] == 0x3b else { throw .syntax }
        }
    }

    /// Checks that a comma or the end of the body follows.
    mutating func endOfElement(_ body: Span<UInt8>) throws(AddressListError) {
        try skipBlanks(body)
        guard index == body.count || body[index] == 0x2c else {
            throw body[index].isControl ? .address(.controlCharacter) : .syntax
        }
    }

    private mutating func angleAddress(_ body: Span<UInt8>, displayName: String?) throws(AddressListError) -> HeaderMailbox {
        index += 1
        var local = Phrase()
        while true {
            guard let octet = try word(body, into: &local) else { continue }
            if octet == 0x40 { break }
            throw octet.isControl ? .address(.controlCharacter) : .syntax
        }
        let address = try address(body, local)
        try skipBlanks(body)
        guard index < body.count else { throw .unclosedBracket }
        guard body[index] == 0x3e else { throw .syntax }
        index += 1
        return HeaderMailbox(displayName: displayName, address: address)
    }

    /// Adds the next word to `phrase`; the octet that stands there instead when it begins no word.
    private mutating func word(_ body: Span<UInt8>, into phrase: inout Phrase) throws(AddressListError) -> UInt8? {
        let start = index
        try skipBlanks(body)
        guard index < body.count else { throw .syntax }
        let isAdjacent = index == start
        let octet = body[index]
        if octet == 0x22 {
            phrase.add(try quotedString(body), kind: .quoted, isAdjacent: isAdjacent)
        } else if octet == 0x2e {
            phrase.add([0x2e], kind: .dot, isAdjacent: isAdjacent)
            index += 1
        } else if Self.isAtom(octet) {
            phrase.add(atom(body), kind: .atom, isAdjacent: isAdjacent)
        } else {
            return octet
        }
        return nil
    }

    /// The address whose local part is `local` and whose `@` is the next octet.
    private mutating func address(_ body: Span<UInt8>, _ local: Phrase) throws(AddressListError) -> EmailAddress {
        guard let octets = local.localPart else { throw .address(.localPart) }
        index += 1
        try skipBlanks(body)
        do throws(AddressError) {
            guard let text = String(utf8: octets.span, 0..<octets.count) else { throw octets.contains(where: \.isControl) ? .controlCharacter : .invalidUTF8 }
            let (host, end) = try MailHost.prefix(of: body, from: index)
            index = end
            return try EmailAddress(localPart: text, host: host, limits: limits)
        } catch {
            throw .address(error)
        }
    }

    private static func isAtom(_ octet: UInt8) -> Bool { OctetClass.atext.contains(octet) || octet >= 0x80 }

    private mutating func atom(_ body: Span<UInt8>) -> [UInt8] {
        var octets: [UInt8] = []
        while index < body.count, Self.isAtom(body[index]) {
            octets.append(body[index])
            index += 1
        }
        return octets
    }

    private mutating func quotedString(_ body: Span<UInt8>) throws(AddressListError) -> [UInt8] {
        var octets: [UInt8] = []
        index += 1
        while index < body.count, body[index] != 0x22 {
            if body[index] == 0x5c { index += 1 }
            guard index < body.count else { break }
            let octet = body[index]
            index += 1
            // A fold within the quotes is no part of the string (RFC 5322 §3.2.4).
            if octet == 0x0d || octet == 0x0a { continue }
            guard !octet.isControl || octet == 0x09 else { throw .address(.controlCharacter) }
            octets.append(octet)
        }
        guard index < body.count else { throw .unclosedQuote }
        index += 1
        return octets
    }

    private mutating func skipCommas(_ body: Span<UInt8>) throws(AddressListError) {
        try skipBlanks(body)
        while index < body.count, body[index] == 0x2c {
            index += 1
            try skipBlanks(body)
        }
    }

    /// Skips blanks, folds and comments; nesting is counted, not recursed.
    private mutating func skipBlanks(_ body: Span<UInt8>) throws(AddressListError) {
        var depth = 0
        while index < body.count {
            let octet = body[index]
            if depth > 0 {
                if octet == 0x5c { index += 1 } else if octet == 0x28 { depth += 1 } else if octet == 0x29 { depth -= 1 }
                if octet == 0 { throw .address(.controlCharacter) }
            } else if octet == 0x28 {
                depth = 1
            } else if !octet.isWhitespace, octet != 0x0d, octet != 0x0a {
                return
            }
            index += 1
        }
        index = min(index, body.count)
        guard depth == 0 else { throw .unclosedComment }
    }
}

/// The words before a `<`, `@` or `:`: a display name or a local part.
private struct Phrase {
    enum Kind { case atom, quoted, dot }
    private var words: [(octets: [UInt8], kind: Kind, isAdjacent: Bool)] = []

    var isEmpty: Bool { words.isEmpty }

    mutating func add(_ octets: [UInt8], kind: Kind, isAdjacent: Bool) { words.append((octets, kind, isAdjacent)) }

    /// The words, with single spaces where blanks or comments were, made safe to show; nil when there are none.
    var text: String? {
        guard !words.isEmpty else { return nil }
        var octets: [UInt8] = []
        for word in words {
            if !octets.isEmpty, !word.isAdjacent { octets.append(0x20) }
            octets += word.octets
        }
        return VisibleText.from(octets)
    }

    /// The words as a local part: one quoted string, or atoms with single dots between them.
    var localPart: [UInt8]? {
        if words.count == 1, words[0].kind == .quoted { return words[0].octets }
        var octets: [UInt8] = []
        for (position, word) in words.enumerated() {
            guard word.kind == (position.isMultiple(of: 2) ? .atom : .dot), word.isAdjacent || position == 0 else { return nil }
            octets += word.octets
        }
        return words.count.isMultiple(of: 2) ? nil : octets
    }
}

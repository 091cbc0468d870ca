import MessageFormat

/// Where the mailbox of an address is: a path in which `{domain}`, `{user}` and `{tag}` stand for parts of the address.
///
/// The user is the local part up to the separator of subaddresses, the tag what comes after it (RFC 5233).
/// A name in the path that holds `{tag}` is left out for addresses without one, so that
/// `/mail/{domain}/{user}/.{tag}` is the mailbox itself for those, and a folder of it for others.
public struct MailboxTemplate: Hashable, Sendable {
    private enum Piece: Hashable {
        case text(String)
        case user
        case tag
        case domain
    }

    private let root: String
    private let components: [[Piece]]

    /// Whether the case of ASCII letters in a local part tells mailboxes apart.
    public enum LetterCase: String, Hashable, Sendable, CaseIterable {
        /// `User` and `user` are one mailbox, in lower case.
        case folded
        /// They are two.
        case kept
    }

    /// Parses a template such as `/var/mail/{domain}/{user}/Maildir`; nil for an empty one, for an unknown
    /// word in braces, and for `.` or `..` after the first of them.
    public init?(parsing text: String) {
        guard !text.isEmpty, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { return nil }
        let names = text.split(separator: "/").map(String.init)
        let first = names.firstIndex { $0.contains("{") || $0.contains("}") } ?? names.count
        root = (text.hasPrefix("/") ? "/" : "") + names[..<first].joined(separator: "/")
        var components: [[Piece]] = []
        for name in names[first...] {
            guard let pieces = MailboxTemplate.pieces(name) else { return nil }
            if pieces == [.text(name)], PathComponent(name) == nil { return nil }
            components.append(pieces)
        }
        self.components = components
    }

    /// The mailbox of `address`, whose tag comes after `separator`; nil when its name would be too long for a file system.
    public func path(for address: EmailAddress, letterCase: LetterCase, separator: UInt8? = nil) -> MailboxPath? {
        let local = letterCase == .folded ? MailboxTemplate.folded(address.localPart) : address.localPart
        let (user, tag) = MailboxTemplate.split(local, at: separator)
        var names: [PathComponent] = []
        for pieces in components where !(tag.isEmpty && pieces.contains(.tag)) {
            var name = ""
            for piece in pieces {
                switch piece {
                case .text(let text): name += text
                case .user: name += PathComponent.escaped(user)
                case .tag: name += PathComponent.escaped(tag)
                case .domain: name += PathComponent.escaped(address.host.description)
                }
            }
            guard let component = PathComponent(name) else { return nil }
            names.append(component)
        }
        return MailboxPath(root: root, components: names)
    }

    private static func split(_ local: String, at separator: UInt8?) -> (user: String, tag: String) {
        guard let separator, let end = local.utf8.firstIndex(of: separator), end > local.startIndex else { return (local, "") }
        return (String(local[..<end]), String(local[local.utf8.index(after: end)...]))
    }

    // Only ASCII: the case rules of other scripts depend on language, and would make two addresses one by surprise.
    private static func folded(_ text: String) -> String {
        String(decoding: text.utf8.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    private static func pieces(_ name: String) -> [Piece]? {
        var pieces: [Piece] = []
        var rest = name[...]
        while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            if brace > rest.startIndex { pieces.append(.text(String(rest[..<brace]))) }
            rest = rest[brace...]
            if rest.hasPrefix("{user}") {
                pieces.append(.user)
            } else if rest.hasPrefix("{tag}") {
                pieces.append(.tag)
            } else if rest.hasPrefix("{domain}") {
                pieces.append(.domain)
            } else {
                return nil
            }
            guard let end = rest.firstIndex(of: "}") else { return nil }
            rest = rest[rest.index(after: end)...]
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        return pieces
    }
}

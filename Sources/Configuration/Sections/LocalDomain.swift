import MessageFormat

/// Which local parts of a domain have a mailbox.
public enum Mailboxes: Hashable, Sendable {
    /// Every one.
    case every
    /// These, in lower case.
    case listed(Set<String>)
}

/// A domain whose mail ends here.
public struct LocalDomain: Hashable, Sendable {
    /// The route that delivers to its mailboxes.
    public var route = ""
    /// Which mailboxes there are.
    public var mailboxes = Mailboxes.listed([])
    /// What parts a mailbox from a tag in `alice+tag`.
    public var subaddressSeparator: String? = "+"
    /// Where mail for other local parts goes.
    public var catchAll: [AliasTarget] = []
    /// Where mail for local parts, in lower case, goes instead of a mailbox.
    public var aliases: [String: [AliasTarget]] = [:]

    /// The documented defaults.
    public init() {}

    static var keys: [Key<LocalDomain>] { [
        .required("route", \.route, .routeName, "The route that delivers to the mailboxes, usually one of type `maildir` or `lmtp`."),
        .value("mailboxes", \.mailboxes, .mailboxes,
               "The local parts that have a mailbox, without regard to case; `\"*\"` for every local part. Everything else is refused at RCPT with 550 5.1.1.",
               reference: "RFC 5321 §3.3"),
        .value("subaddressSeparator", \.subaddressSeparator, .either("none", or: .separator),
               "What parts a mailbox from a tag: mail for `alice+tag` goes to `alice`; `none` for no tags.", reference: "RFC 5233"),
        .value("catchAll", \.catchAll, .list(of: .aliasTarget), "Where mail for every other local part goes."),
        .value("aliases", \.aliases, .map(from: .localPart, to: .list(of: .aliasTarget, count: 1...10_000)),
               "Local parts that stand for other addresses, here or elsewhere. A mailbox that is among its own targets gets a copy."),
    ] }

    static var type: ValueType<LocalDomain> {
        .section("local domain", "Mail for its postmaster goes to `bounces.postmaster` unless it has a mailbox or alias of that name.",
                 keys, initial: LocalDomain(), text: { "{route: \($0.route)}" }, verify: { domain, path, check in
            if domain.mailboxes == .listed([]), domain.aliases.isEmpty, domain.catchAll.isEmpty, check.isPresent("\(path).route") {
                check.reportKey(path, "accepts no recipient: expected mailboxes, aliases or a catchAll")
            }
        })
    }
}

extension ValueType where Value == Mailboxes {
    /// A list of local parts, or `*`.
    static var mailboxes: ValueType {
        let names = ValueType<[String]>.list(of: .localPart)
        return ValueType(name: "list of local parts or \"*\"", read: { node, path, check in
            if node.word == "*" { return .every }
            return names.read(node, path, &check).map { .listed(Set($0)) }
        }, text: { mailboxes in
            switch mailboxes {
            case .every: "\"*\""
            case .listed(let localParts): names.text(localParts.sorted())
            }
        })
    }
}

extension ValueType where Value == String {
    /// The character between a mailbox and a tag.
    static var separator: ValueType {
        .scalar("separator", expected: "one of + - _ = . # or none", text: { "\"\($0)\"" }) { word in
            word.count == 1 && "+-_=.#".contains(word) ? word : nil
        }
    }
}

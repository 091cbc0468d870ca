import MessageFormat

/// Domains by name, and everything below some of them.
public struct DomainSet: Hashable, Sendable {
    private var names: Set<Domain> = []
    /// Suffixes with their leading dot.
    private var suffixes: Set<String> = []

    /// No domain.
    public init() {}

    /// The domains named.
    public init(_ domains: some Sequence<Domain>) { names = Set(domains) }

    /// Adds one domain.
    public mutating func insert(_ domain: Domain) { names.insert(domain) }

    /// Adds all domains below `domain`, but not `domain` itself.
    public mutating func insertSubdomains(of domain: Domain) { suffixes.insert("." + domain.ascii) }

    /// Whether there is none.
    public var isEmpty: Bool { names.isEmpty && suffixes.isEmpty }

    /// Whether `domain` is one of them.
    public func contains(_ domain: Domain) -> Bool {
        if names.contains(domain) { return true }
        guard !suffixes.isEmpty else { return false }
        var rest = domain.ascii[...]
        while let dot = rest.firstIndex(of: ".") {
            if suffixes.contains(String(rest[dot...])) { return true }
            rest = rest[rest.index(after: dot)...]
        }
        return false
    }
}

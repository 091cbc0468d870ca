import MessageFormat

/// What an address stands for, as the configuration tells it.
public protocol AliasTable: Sendable {
    /// The addresses that `address` expands into; nil when it is final.
    ///
    /// One step only: `Cleanup` follows chains, finds loops and keeps the limits.
    func expansion(of address: EmailAddress) -> [EmailAddress]?

    /// Whether mail for `address` leaves our domains, so that whoever takes it there sees us as its sender's host.
    func isOutside(_ address: EmailAddress) -> Bool

    /// Whether mail for `address` is taken from anybody and passed on to another host.
    func isRelayed(_ address: EmailAddress) -> Bool
}

extension AliasTable {
    /// Everybody is inside.
    public func isOutside(_ address: EmailAddress) -> Bool { false }

    /// Nothing is passed on.
    public func isRelayed(_ address: EmailAddress) -> Bool { false }
}

/// A table in which every address is final.
public struct NoAliases: AliasTable {
    /// The empty table.
    public init() {}
    public func expansion(of address: EmailAddress) -> [EmailAddress]? { nil }
}

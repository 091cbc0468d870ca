import MessageFormat

/// What an address stands for, as the configuration tells it.
public protocol AliasTable: Sendable {
    /// The addresses that `address` expands into; nil when it is final.
    ///
    /// One step only: `Cleanup` follows chains, finds loops and keeps the limits.
    func expansion(of address: EmailAddress) -> [EmailAddress]?
}

/// A table in which every address is final.
public struct NoAliases: AliasTable {
    /// The empty table.
    public init() {}
    public func expansion(of address: EmailAddress) -> [EmailAddress]? { nil }
}

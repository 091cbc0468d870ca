/// One key whose value differs between two configurations.
public struct ConfigurationChange: Hashable, Sendable, CustomStringConvertible {
    /// What it takes for a changed key to count.
    public enum Effect: String, Hashable, Sendable {
        /// A reload is enough.
        case live
        /// The daemon must be restarted.
        case restart
    }

    /// The key, such as `queue.lifetime` or `listeners[:25].maxMessageSize`.
    public let key: String
    /// What it takes for the change to count.
    public let effect: Effect
    /// The value before; nil where there was none.
    public let before: String?
    /// The value after; nil where there is none.
    public let after: String?

    /// `queue.lifetime: 5d -> 4d`.
    public var description: String { "\(key): \(before ?? "(none)") -> \(after ?? "(none)")" }
}

import Storage

/// Where a change stands among all changes of a store, in the order of their commits; opaque but for that order.
public struct StorePosition: Hashable, Comparable, Sendable {
    /// What the store says first: a transaction, a batch.
    public let major: UInt64
    /// What tells changes of the same `major` apart.
    public let minor: UInt64

    /// A position; only stores make them.
    public init(major: UInt64, minor: UInt64 = 0) {
        self.major = major
        self.minor = minor
    }

    /// Before everything.
    public static let start = StorePosition(major: 0)

    public static func < (left: StorePosition, right: StorePosition) -> Bool {
        left.major != right.major ? left.major < right.major : left.minor < right.minor
    }
}

/// Some of what happened, in order.
public struct EventPage: Sendable {
    /// Groups with their positions, complete.
    public var groups: [(position: StorePosition, events: [RecordDraft])]
    /// Everything up to here has been read.
    public var through: StorePosition

    /// A page.
    public init(groups: [(position: StorePosition, events: [RecordDraft])], through: StorePosition) {
        self.groups = groups
        self.through = through
    }
}

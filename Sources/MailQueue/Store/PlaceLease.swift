/// The right of one node to the entries of one place, for a while.
public struct PlaceLease: Hashable, Sendable {
    /// The place.
    public let place: Place
    /// The node that has it.
    public let node: NodeID
    /// Tells the leases of a place apart, in their order.
    public let fence: Fence

    /// A lease; only stores give them.
    public init(place: Place, node: NodeID, fence: Fence) {
        self.place = place
        self.node = node
        self.fence = fence
    }
}

/// A number that grows with every lease of a place.
public struct Fence: Hashable, Comparable, Sendable {
    /// The number.
    public let rawValue: UInt64

    /// The fence with this number.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static func < (left: Fence, right: Fence) -> Bool { left.rawValue < right.rawValue }
}

/// What a node asks for when it claims.
public struct PlaceClaim: Sendable {
    /// The node; asking also tells that it lives.
    public var node: NodeID
    /// Places at most.
    public var limit: Int
    /// How long the leases last from now, by the store's clock.
    public var duration: Duration

    /// A claim.
    public init(node: NodeID, limit: Int, duration: Duration) {
        self.node = node
        self.limit = limit
        self.duration = duration
    }
}

/// What a node gets when it claims.
public struct ClaimAnswer: Sendable {
    /// New leases.
    public var leases: [PlaceLease]
    /// Nodes that live, the asking one included.
    public var nodes: Int
    /// Places that have entries or a lease.
    public var places: Int

    /// An answer.
    public init(leases: [PlaceLease], nodes: Int, places: Int) {
        self.leases = leases
        self.nodes = nodes
        self.places = places
    }
}

/// Where a node goes on reading at a place of its own.
public struct PlaceRead: Sendable {
    /// Its lease.
    public var lease: PlaceLease
    /// What it knows already; nil for nothing.
    public var after: StorePosition?

    /// A place and a position.
    public init(lease: PlaceLease, after: StorePosition?) {
        self.lease = lease
        self.after = after
    }
}

/// What there is to know about a place.
public struct PlacePage: Sendable {
    /// The lease that it was read under.
    public var lease: PlaceLease
    /// Whether the lease is over, in which case there is nothing else.
    public var isLost: Bool
    /// Entries in the order of their positions.
    public var entries: [KeptEntry]
    /// Everything at the place up to here has been read.
    public var through: StorePosition?

    /// A page.
    public init(lease: PlaceLease, isLost: Bool = false, entries: [KeptEntry] = [], through: StorePosition?) {
        self.lease = lease
        self.isLost = isLost
        self.entries = entries
        self.through = through
    }
}

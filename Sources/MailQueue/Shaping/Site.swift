/// What the scheduler knows of a site.
struct Site: LinkedListNode, TimerNode {
    enum Condition: UInt8, Sendable {
        case open
        case unavailable
        case throttled
    }

    var key: SiteKey
    var generation: UInt32
    /// Flows with ready entries: by sender, and in the order of their turns.
    var flows = OrderedTree()
    var turns = LinkedList()
    var ready: UInt32 = 0
    var inFlight: UInt32 = 0
    /// Destinations that are resolved to this site.
    var destinations: UInt32 = 0
    var window: ConcurrencyWindow
    var condition = Condition.open
    /// Probes in a row that failed.
    var probes: UInt8 = 0
    /// When a site that is not open gets its next probe, in seconds since 1970.
    var probeSecond: UInt32 = 0
    /// When it had its last entry.
    var idleSecond: UInt32 = 0
    /// In the ring of sites that may start something; otherwise the list links may be those of the idle list.
    var isEligible = false
    var isIdle = false
    var next: UInt32 = .none
    var previous: UInt32 = .none
    var timerNext: UInt32 = .none
    var timerPrevious: UInt32 = .none

    var nextVacant: UInt32 {
        get { next }
        set { next = newValue }
    }
}

/// The ready entries of one sender at one site.
struct Flow: LinkedListNode, OrderedTreeNode {
    var site: UInt32
    var sender: UInt32
    var entries = OrderedTree()
    var count: UInt32 = 0
    /// What the sender may still start in this turn; negative after an entry that cost more.
    var deficit: Int32
    var next: UInt32 = .none
    var previous: UInt32 = .none
    var left: UInt32 = .none
    var right: UInt32 = .none

    var orderKey: UInt64 { UInt64(sender) }
    var nextVacant: UInt32 {
        get { next }
        set { next = newValue }
    }
}

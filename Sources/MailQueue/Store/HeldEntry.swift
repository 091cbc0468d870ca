import Events

/// An entry that a node has in its schedule, because its place is leased to the node.
struct HeldEntry {
    /// What the store keeps of it, as far as this node knows.
    var kept: KeptEntry
    /// The lease that it came with.
    let lease: PlaceLease
    /// Its place in the schedule.
    let entry: EntryID
    /// What is being done to it at the store; nothing else begins meanwhile.
    var work = Work.none

    enum Work {
        case none
        /// It is being tried, or what came of that is being recorded.
        case attempt
        /// Its end, or its new place, is being recorded.
        case settlement
        /// A delay notice is being recorded.
        case notice
    }
    /// Whether the lease is over: it is forgotten as soon as nothing is being done to it.
    var isOrphan = false
}

/// A large message of which only parts have come in.
struct SharedUpload {
    var sizes: [UInt32] = []
    var size: UInt64 = 0
    /// Parts that have not been answered.
    var pending = 0
    var hasFailed = false
    var isBeingAccepted = false
}

import Ports

/// The leases of a node, as it believes in them by its own clock.
struct LeaseTable {
    /// A lease with what the node knows of its place.
    struct Held {
        let lease: PlaceLease
        /// The node begins nothing there from this moment on, unless the lease is renewed.
        var trustedUntil: Timestamp
        /// How far the entries of the place have been read; nil for not at all.
        var readThrough: StorePosition?
        /// Entries of the place that the node knows, by number.
        var entries: Set<UInt64> = []
        /// Entries that are being tried or recorded.
        var busy = 0
        /// Nothing begins there any more: it is about to be given back.
        var isEnding = false
        /// Since when it has no entries.
        var idleSince: Timestamp?
    }

    private var places: [Place: Held] = [:]

    /// How many there are.
    var count: Int { places.count }

    subscript(place: Place) -> Held? {
        get { places[place] }
        _modify { yield &places[place] }
    }

    /// All of them, in a fixed order.
    var all: [Held] { places.values.sorted { $0.lease.place < $1.lease.place } }

    /// The lease under which an attempt may begin now.
    func usable(_ place: Place, now: Timestamp) -> PlaceLease? {
        guard let held = places[place], !held.isEnding, now < held.trustedUntil else { return nil }
        return held.lease
    }

    /// Whether this very lease is held, as far as the node knows.
    func holds(_ lease: PlaceLease) -> Bool { places[lease.place]?.lease == lease }

    /// Takes a new lease, or what a renewal says of one that is held.
    mutating func take(_ lease: PlaceLease, trustedUntil: Timestamp) {
        if holds(lease) {
            if let known = places[lease.place]?.trustedUntil, known < trustedUntil { places[lease.place]?.trustedUntil = trustedUntil }
        } else {
            places[lease.place] = Held(lease: lease, trustedUntil: trustedUntil)
        }
    }

    /// Marks places to be given back, those with the fewest attempts first.
    mutating func end(_ count: Int) {
        let candidates = all.filter { !$0.isEnding }.sorted { $0.busy < $1.busy }
        for held in candidates.prefix(max(0, count)) { places[held.lease.place]?.isEnding = true }
    }
}

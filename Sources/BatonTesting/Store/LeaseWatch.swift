import MailQueue
import Ports

/// Keeps its own books of a store's leases, and notes what must not be.
///
/// It knows nothing of how the store decides: only what it decided, and when.
public final class LeaseWatch: @unchecked Sendable {
    private struct Book {
        var lease: PlaceLease
        var until: Timestamp
        var isReleased = false
    }

    private var books: [Place: Book] = [:]
    /// Rules that were broken, in words.
    public private(set) var violations: [String] = []

    /// Books without an entry.
    public init() {}

    func given(_ lease: PlaceLease, at now: Timestamp, until end: Timestamp) {
        if let last = books[lease.place] {
            if !last.isReleased, now < last.until { note("\(lease.place) has two leases at a time") }
            if lease.fence <= last.lease.fence { note("\(lease.place): a fence that does not grow") }
        }
        books[lease.place] = Book(lease: lease, until: end)
    }

    func renewed(_ lease: PlaceLease, at now: Timestamp, until end: Timestamp) {
        guard let last = books[lease.place], last.lease == lease, !last.isReleased else {
            return note("\(lease.place): a lease was renewed that another had followed")
        }
        if now >= last.until { note("\(lease.place): a lease was renewed after its end") }
        books[lease.place]?.until = end
    }

    func released(_ lease: PlaceLease) {
        if books[lease.place]?.lease == lease { books[lease.place]?.isReleased = true }
    }

    func settled(_ lease: PlaceLease) {
        if books[lease.place]?.lease.fence != lease.fence { note("\(lease.place): settled under an outdated fence") }
    }

    func missed(_ place: Place) { note("\(place): a settlement of an entry that is not there") }

    private func note(_ what: String) { if violations.count < 20 { violations.append(what) } }
}

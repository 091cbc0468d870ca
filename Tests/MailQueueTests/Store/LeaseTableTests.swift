@testable import MailQueue
import MessageFormat
import Ports
import Testing

/// What a node believes of its leases, by its own clock.
@Suite("Leases of a node") struct LeaseTableTests {
    private let start = Timestamp(seconds: 1_000)

    private func lease(_ site: String, fence: UInt64) -> PlaceLease {
        PlaceLease(place: Place(site: SiteKey(transport: site)), node: NodeID(rawValue: 1), fence: Fence(rawValue: fence))
    }

    @Test("A lease is usable until the node trusts it no longer, and a renewal never makes that earlier")
    func trust() {
        var table = LeaseTable()
        let a = lease("a", fence: 1)
        table.take(a, trustedUntil: start + .seconds(10))
        #expect(table.usable(a.place, now: start + .seconds(9)) == a)
        #expect(table.usable(a.place, now: start + .seconds(10)) == nil)
        table.take(a, trustedUntil: start + .seconds(20))
        table.take(a, trustedUntil: start + .seconds(15))
        #expect(table.usable(a.place, now: start + .seconds(19)) == a)
        #expect(table.usable(a.place, now: start + .seconds(20)) == nil)
        #expect(table.usable(lease("b", fence: 1).place, now: start) == nil)
    }

    @Test("A new lease of a place begins with nothing known of it")
    func newLease() {
        var table = LeaseTable()
        let old = lease("a", fence: 1)
        let new = lease("a", fence: 2)
        table.take(old, trustedUntil: start + .seconds(10))
        table[old.place]?.readThrough = StorePosition(major: 7)
        table[old.place]?.entries = [1, 2]
        table.take(new, trustedUntil: start + .seconds(10))
        #expect(!table.holds(old))
        #expect(table.holds(new))
        #expect(table[new.place]?.readThrough == nil)
        #expect(table[new.place]?.entries.isEmpty == true)
    }

    @Test("Places with the fewest attempts are given back first, and begin nothing from then on")
    func ending() {
        var table = LeaseTable()
        for (index, name) in ["a", "b", "c"].enumerated() {
            table.take(lease(name, fence: 1), trustedUntil: start + .seconds(10))
            table[lease(name, fence: 1).place]?.busy = 2 - index
        }
        table.end(1)
        #expect(table.usable(lease("c", fence: 1).place, now: start) == nil)
        #expect(table.usable(lease("a", fence: 1).place, now: start) != nil)
        table.end(-1)
        table.end(5)
        #expect(table.all.allSatisfy { $0.isEnding })
    }

    @Test("A lease is trusted for less time than it lasts, and renewed three times in it")
    func times() {
        let settings = NodeSettings()
        #expect(settings.trustedLease < settings.lease)
        #expect(settings.renewInterval * 3 <= settings.lease)
        #expect(settings.renewInterval * 2 < settings.trustedLease)
    }
}

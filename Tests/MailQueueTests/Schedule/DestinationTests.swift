import Ports
import Testing
@testable import MailQueue

@Suite("Scheduler: destinations")
struct DestinationTests {
    @Test("lookups are limited, each destination is asked for once")
    func lookupLimit() {
        var fixture = SchedulerFixture { $0.maxResolving = 3 }
        for number in 0..<10 { _ = fixture.insert("d\(number).example"); _ = fixture.insert("d\(number).example") }
        var asked: [DestinationID] = []
        while case .resolve(let id) = fixture.next() { asked.append(id) }
        #expect(asked.count == 3)
        #expect(Set(asked).count == 3)
        fixture.resolve(asked[0], .site(SchedulerFixture.site("mx")))
        var more = 0
        for _ in 0..<20 { if case .resolve = fixture.next() { more += 1 } }
        #expect(more == 1)
    }

    @Test("an answer is used until it is too old, then asked for again before the next use")
    func validity() {
        var fixture = SchedulerFixture { $0.initialSiteConcurrency = 1 }
        let first = fixture.insert()
        let second = fixture.insert()
        guard case .resolve(let destination) = fixture.next() else { Issue.record("no lookup"); return }
        fixture.resolve(destination, .site(SchedulerFixture.site("old")), for: .minutes(5))
        guard case .start(first, let old) = fixture.next() else { Issue.record("no start"); return }
        fixture.advance(.minutes(5))
        fixture.finish(first)
        #expect(fixture.scheduler.nextForSite(old, now: fixture.now, random: fixture.random) == nil)
        guard case .resolve(let again) = fixture.next() else { Issue.record("no second lookup"); return }
        fixture.resolve(again, .site(SchedulerFixture.site("new")))
        guard case .start(second, let site) = fixture.next() else { Issue.record("no start"); return }
        #expect(fixture.scheduler.key(of: site) == SchedulerFixture.site("new"))
    }

    @Test("no answer: the mail waits on the destination, which is asked for at growing intervals")
    func unavailable() {
        var fixture = SchedulerFixture { $0.retry.delayNotices = [] }
        let id = fixture.insert()
        var asked: [Duration] = []
        while fixture.now < SchedulerFixture.start + .hours(3) {
            if case .resolve(let destination) = fixture.next() {
                asked.append(fixture.now - SchedulerFixture.start)
                fixture.resolve(destination, .unavailable)
                guard case .unresolvable? = fixture.scheduler.delayReason(id, now: fixture.now) else {
                    Issue.record("no reason"); return
                }
            }
            fixture.advance(.seconds(10))
        }
        #expect((7...9).contains(asked.count))
        #expect(fixture.scheduler[id]?.attempts == 0)
        fixture.scheduler.flush(now: fixture.now)
        #expect(fixture.starts() == [id])
    }

    @Test("destinations that failed leave half of the lookups to others")
    func deadNameServers() {
        var fixture = SchedulerFixture { $0.maxResolving = 4 }
        for number in 0..<20 { _ = fixture.insert("dead\(number).example") }
        #expect(fixture.run { _ in .unavailable }.isEmpty)
        fixture.advance(.minutes(2))
        var held = 0
        while case .resolve = fixture.next() { held += 1 }
        #expect(held == 2)
        let fresh = fixture.insert("fresh.example")
        #expect(fixture.starts() == [fresh])
    }

    @Test("an answer from before a reload is not used")
    func reloadMeanwhile() {
        var fixture = SchedulerFixture()
        let id = fixture.insert()
        guard case .resolve(let destination) = fixture.next() else { Issue.record("no lookup"); return }
        fixture.scheduler.apply(fixture.scheduler.settings, now: fixture.now)
        fixture.resolve(destination, .site(SchedulerFixture.site("old")))
        guard case .resolve(let again) = fixture.next() else { Issue.record("no second lookup"); return }
        fixture.resolve(again, .site(SchedulerFixture.site("new")))
        guard case .start(id, let site) = fixture.next() else { Issue.record("no start"); return }
        #expect(fixture.scheduler.key(of: site) == SchedulerFixture.site("new"))
    }

    @Test("destinations without mail are forgotten beyond a number")
    func idleDestinations() {
        var fixture = SchedulerFixture()
        for number in 0..<21_000 {
            let id = fixture.insert("d\(number).example")
            for action in fixture.run(resolving: { _ in .undeliverable(failure: 0) }) { #expect(action == .fail(id, failure: 0)) }
            fixture.finish(id, .settled, .none)
        }
        #expect(fixture.scheduler.destinations.count == 20_000)
        #expect(fixture.scheduler.destinationIndex.count == 20_000)
        #expect(fixture.scheduler.senders.count == 0)
    }
}

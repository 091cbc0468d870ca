import Ports
import Testing
@testable import MailQueue

@Suite("Scheduler")
struct SchedulerTests {
    @Test("a new entry is resolved, started and forgotten")
    func oneEntry() throws {
        var fixture = SchedulerFixture()
        let id = fixture.insert()
        #expect(fixture.scheduler.delayReason(id, now: fixture.now) == .resolving)
        guard case .resolve(let destination) = fixture.next() else { Issue.record("no lookup"); return }
        #expect(fixture.scheduler.key(of: destination) == SchedulerFixture.destination("a.example"))
        guard case .sleep = fixture.next() else { Issue.record("should wait for the answer"); return }
        fixture.resolve(destination, .site(SchedulerFixture.site("mx")))
        guard case .start(id, let site) = fixture.next() else { Issue.record("no start"); return }
        #expect(fixture.scheduler.key(of: site) == SchedulerFixture.site("mx"))
        #expect(fixture.scheduler.delayReason(id, now: fixture.now) == .inFlight)
        #expect(fixture.finish(id) == .settled)
        #expect(fixture.finish(id) == .unknown)
        #expect(fixture.scheduler[id] == nil)
        #expect(fixture.scheduler.counts.total == 0)
        #expect(fixture.next() == .idle)
    }

    @Test("a stale id names nothing, though its place is taken again")
    func staleID() {
        var fixture = SchedulerFixture()
        let old = fixture.insert()
        check(fixture.scheduler.remove(old, now: fixture.now), true)
        let new = fixture.insert()
        #expect(new.index == old.index)
        #expect(fixture.scheduler[old] == nil)
        check(fixture.scheduler.hold(old, now: fixture.now), false)
        #expect(fixture.scheduler[new] != nil)
    }

    @Test("retries follow the schedule, within its jitter")
    func retrySchedule() {
        var fixture = SchedulerFixture { $0.retry.delayNotices = [] }
        let id = fixture.insert()
        let minutes = [1, 2, 5, 10, 20, 40, 60, 120, 240, 240, 240]
        for expected in minutes {
            #expect(fixture.starts() == [id])
            guard case .deferred(let due) = fixture.finish(id, .deferred(), .answered) else { Issue.record("not deferred"); return }
            let wait = (due - fixture.now).inSeconds / 60
            #expect(wait >= Double(expected) * 0.9 && wait <= Double(expected) * 1.1 + 1.0 / 60)
            #expect(fixture.scheduler.delayReason(id, now: fixture.now) == .retry(until: due))
            fixture.now = due - .seconds(1)
            #expect(fixture.starts().isEmpty)
            fixture.now = due
        }
        #expect(fixture.scheduler[id]?.attempts == UInt16(minutes.count))
    }

    @Test("a deferral may ask for a longer wait than the schedule")
    func atLeast() {
        var fixture = SchedulerFixture()
        let id = fixture.insert()
        #expect(fixture.starts() == [id])
        #expect(fixture.finish(id, .deferred(atLeast: .hours(2)), .answered) == .deferred(at: fixture.now + .hours(2)))
    }

    @Test("recipients that are left may be tried at once", arguments: [AttemptVerdict.again])
    func again(verdict: AttemptVerdict) {
        var fixture = SchedulerFixture()
        let id = fixture.insert()
        #expect(fixture.starts() == [id])
        #expect(fixture.finish(id, verdict, .delivered) == .ready)
        #expect(fixture.starts() == [id])
        #expect(fixture.scheduler[id]?.attempts == 0)
    }

    @Test("an aborted attempt counts as none and is made again within seconds")
    func aborted() {
        var fixture = SchedulerFixture()
        let id = fixture.insert()
        #expect(fixture.starts() == [id])
        guard case .deferred(let due) = fixture.finish(id, .aborted, .none) else { Issue.record("not deferred"); return }
        #expect(due - fixture.now <= .seconds(15) && due - fixture.now >= .seconds(5))
        #expect(fixture.scheduler[id]?.attempts == 0)
    }

    @Test("the lifetime ends in one expiry, for bounces sooner", arguments: [false, true])
    func lifetime(isBounce: Bool) {
        var fixture = SchedulerFixture { $0.retry.delayNotices = [] }
        let id = fixture.insert { $0.isBounce = isBounce }
        var attempts = 0
        let end = fixture.now + (isBounce ? .days(2) : .days(5))
        while true {
            let actions = fixture.run()
            if actions == [.expire(id)] { break }
            guard case .start(id, _)? = actions.first else { Issue.record("unexpected \(actions)"); return }
            attempts += 1
            guard case .deferred(let due) = fixture.finish(id, .deferred(), .answered) else { Issue.record("not deferred"); return }
            fixture.now = min(due, end)
        }
        #expect(fixture.now == end)
        #expect(attempts > 10)
        #expect(fixture.finish(id) == .settled)
        #expect(fixture.scheduler.counts.total == 0)
    }

    @Test("a bounce that could not be recorded is tried again later, not at once")
    func expiryFails() {
        var fixture = SchedulerFixture { $0.retry.delayNotices = [] }
        let id = fixture.insert { draft in
            draft.arrival = draft.arrival - .days(6)
            draft.due = draft.arrival + .days(7)
        }
        #expect(fixture.run() == [.expire(id)])
        guard case .deferred(let due) = fixture.finish(id, .deferred(), .none) else { Issue.record("not deferred"); return }
        #expect(fixture.run().isEmpty)
        fixture.now = due
        #expect(fixture.run() == [.expire(id)])
        #expect(fixture.scheduler[id]?.attempts == 0)
    }

    @Test("an entry whose lifetime ended while nobody was there gets one last try, then expires", arguments: [0, 3] as [UInt16])
    func lifetimeEndsWhileDown(attempts: UInt16) {
        var fixture = SchedulerFixture { $0.retry.delayNotices = [] }
        let id = fixture.insert { draft in
            draft.arrival = draft.arrival - .days(6)
            draft.attempts = attempts
            draft.due = attempts == 0 ? nil : draft.arrival + .days(2)
        }
        #expect(fixture.starts() == [id])
        fixture.finish(id, .deferred(), .answered)
        #expect(fixture.run() == [.expire(id)])
    }

    @Test("a lifetime that ended seconds before the start still gets its last try")
    func lifetimeEndedJustBefore() {
        var fixture = SchedulerFixture { $0.retry.delayNotices = [] }
        let id = fixture.insert { $0.arrival = $0.arrival - .days(5) - .seconds(30) }
        #expect(fixture.starts() == [id])
        fixture.finish(id, .deferred(), .answered)
        #expect(fixture.run() == [.expire(id)])
    }

    @Test("an answer between failures ends their row")
    func answerEndsARowOfFailures() {
        var window = ConcurrencyWindow(initial: 5)
        for _ in 0..<2 { check(window.failed(), false) }
        window.answered()
        for _ in 0..<2 { check(window.failed(), false) }
        check(window.failed(), true)
    }

    @Test("a clock that jumps over the end of a lifetime does not take the last try away", arguments: EntryState.allCases)
    func clockJumpsOverLifetime(_ state: EntryState) {
        var fixture = SchedulerFixture { $0.retry.delayNotices = []; $0.initialSiteConcurrency = 1 }
        let flying = fixture.insert()
        #expect(fixture.starts() == [flying])
        var id = flying
        switch state {
        case .ready: id = fixture.insert()
        case .unresolved:
            id = fixture.insert("b.example")
            #expect(fixture.run { _ in .unavailable }.isEmpty)
        case .scheduled: fixture.finish(flying, .deferred(), .answered)
        case .inFlight, .held, .leaving, .vacant: return
        }
        #expect(fixture.run { _ in .unavailable }.isEmpty)
        #expect(fixture.scheduler[id]?.state == state)
        fixture.advance(.days(6))
        if state == .ready { fixture.finish(flying) }
        fixture.scheduler.flush(now: fixture.now)
        #expect(fixture.starts() == [id])
        fixture.finish(id, .deferred(), .answered)
        #expect(fixture.run() == [.expire(id)])
    }

    @Test("a site whose answer is no longer good is asked for at once, not at the next timer")
    func staleAnswerAtTheTurn() {
        var fixture = SchedulerFixture { $0.initialSiteConcurrency = 1 }
        let flying = fixture.insert()
        let waiting = fixture.insert()
        #expect(fixture.starts() == [flying])
        fixture.advance(.hours(2))
        fixture.finish(flying)
        #expect(fixture.starts() == [waiting])
    }

    @Test("a last try that never gets its turn ends all the same")
    func lastTryIsBounded() {
        var fixture = SchedulerFixture { $0.retry.delayNotices = [] }
        let id = fixture.insert { $0.arrival = $0.arrival - .days(6) }
        #expect(fixture.run { _ in .unavailable }.isEmpty)
        fixture.advance(.hours(4))
        #expect(fixture.run { _ in .unavailable } == [.expire(id)])
    }

    @Test("a delay notice is asked for once at each point, never for bounces")
    func delayNotices() {
        var fixture = SchedulerFixture { $0.retry.delayNotices = [.hours(4), .hours(24)] }
        let id = fixture.insert()
        let bounce = fixture.insert { $0.isBounce = true }
        func unavailable(_: String) -> Resolution { .unavailable }
        #expect(fixture.run(resolving: unavailable).isEmpty)
        var notices: [Duration] = []
        while fixture.now < SchedulerFixture.start + .hours(47) {
            fixture.advance(.minutes(10))
            for action in fixture.run(resolving: unavailable) {
                #expect(action == .notify(id))
                notices.append(fixture.now - SchedulerFixture.start)
            }
        }
        #expect(notices == [.hours(4), .hours(24)])
        #expect(fixture.scheduler[bounce]?.noticesGiven == 0)
    }

    @Test("notice points that were passed together are one notice")
    func delayNoticesTogether() {
        var fixture = SchedulerFixture { $0.retry.delayNotices = [.hours(4), .hours(24)] }
        let id = fixture.insert { draft in
            draft.due = draft.arrival + .hours(1)
            draft.arrival = draft.arrival - .days(2)
        }
        #expect(fixture.run() == [.notify(id)])
        #expect(fixture.scheduler[id]?.noticesGiven == 2)
        #expect(fixture.run().isEmpty)
    }

    @Test("no route: every entry is handed out with the reason")
    func undeliverable() {
        var fixture = SchedulerFixture()
        let ids = (0..<3).map { _ in fixture.insert("null.example") }
        let actions = fixture.run { _ in .undeliverable(failure: 7) }
        #expect(actions == ids.map { .fail($0, failure: 7) })
        #expect(fixture.scheduler.delayReason(ids[0], now: fixture.now) == .settling)
        for id in ids { #expect(fixture.finish(id) == .settled) }
        #expect(fixture.scheduler.counts.total == 0)
        let late = fixture.insert("null.example")
        #expect(fixture.run() == [.fail(late, failure: 7)])
    }

    @Test("final entries are handed out within a limit")
    func settlingLimit() {
        var fixture = SchedulerFixture { $0.maxSettling = 2 }
        let ids = (0..<5).map { _ in fixture.insert("null.example") }
        var handed = 0
        while handed < 5 {
            let actions = fixture.run { _ in .undeliverable(failure: 1) }
            #expect((1...2).contains(actions.count))
            for case .fail(let id, _) in actions { fixture.finish(id) }
            handed += actions.count
        }
        #expect(ids.allSatisfy { fixture.scheduler[$0] == nil })
    }

    @Test("a hold stops an entry in any state, and a release lets it go on")
    func holdAndRelease() {
        var fixture = SchedulerFixture()
        let unresolved = fixture.insert()
        check(fixture.scheduler.hold(unresolved, now: fixture.now), true)
        #expect(fixture.starts().isEmpty)
        #expect(fixture.scheduler.delayReason(unresolved, now: fixture.now) == .held)
        check(fixture.scheduler.retryNow(unresolved, now: fixture.now), false)
        fixture.scheduler.flush(now: fixture.now)
        #expect(fixture.starts().isEmpty)
        check(fixture.scheduler.release(unresolved, now: fixture.now), true)
        check(fixture.scheduler.release(unresolved, now: fixture.now), false)
        #expect(fixture.starts() == [unresolved])
        check(fixture.scheduler.hold(unresolved, now: fixture.now), true)
        #expect(fixture.finish(unresolved, .deferred(), .answered) == .held)
        fixture.advance(.days(30))
        #expect(fixture.run().isEmpty)
    }

    @Test("an entry released after its lifetime gets one more attempt")
    func releaseAfterLifetime() {
        var fixture = SchedulerFixture { $0.retry.delayNotices = [] }
        let id = fixture.insert { $0.isHeld = true }
        fixture.advance(.days(9))
        check(fixture.scheduler.release(id, now: fixture.now), true)
        #expect(fixture.starts() == [id])
        fixture.finish(id, .deferred(), .answered)
        #expect(fixture.run() == [.expire(id)])
    }

    @Test("retry now and flush do not wait for the time of the next attempt")
    func retryNow() {
        var fixture = SchedulerFixture()
        let ids = (0..<4).map { _ in fixture.insert() }
        for id in fixture.starts() { fixture.finish(id, .deferred(), .answered) }
        #expect(fixture.starts().isEmpty)
        check(fixture.scheduler.retryNow(ids[2], now: fixture.now), true)
        #expect(fixture.starts() == [ids[2]])
        fixture.scheduler.flush(now: fixture.now)
        #expect(fixture.starts() == [ids[0], ids[1], ids[3]])
    }

    @Test("retry now is remembered while an attempt is under way")
    func retryNowInFlight() {
        var fixture = SchedulerFixture()
        let id = fixture.insert()
        #expect(fixture.starts() == [id])
        check(fixture.scheduler.retryNow(id, now: fixture.now), true)
        #expect(fixture.finish(id, .deferred(), .answered) == .ready)
        #expect(fixture.starts() == [id])
        #expect(fixture.scheduler[id]?.attempts == 1)
    }

    @Test("an entry in flight cannot be removed, any other can")
    func remove() {
        var fixture = SchedulerFixture { $0.initialSiteConcurrency = 1 }
        let flying = fixture.insert()
        let ready = fixture.insert()
        let held = fixture.insert { $0.isHeld = true }
        let scheduled = fixture.insert { $0.due = $0.arrival + .hours(1) }
        let unresolved = fixture.insert("b.example")
        #expect(fixture.starts(limit: 1) == [flying])
        check(fixture.scheduler.remove(flying, now: fixture.now), false)
        for id in [ready, held, scheduled, unresolved] { check(fixture.scheduler.remove(id, now: fixture.now), true) }
        #expect(fixture.scheduler.counts.total == 1)
        fixture.finish(flying)
        #expect(fixture.run().isEmpty)
        #expect(fixture.scheduler.counts.total == 0)
    }

    @Test("a rerouted entry goes to its new destination, whatever it waited in")
    func reroute() {
        var fixture = SchedulerFixture { $0.initialSiteConcurrency = 1 }
        let flying = fixture.insert()
        let ready = fixture.insert()
        #expect(fixture.starts() == [flying])
        for id in [flying, ready] {
            check(fixture.scheduler.reroute(id, to: SchedulerFixture.destination("b.example"), now: fixture.now), true)
        }
        #expect(fixture.starts() == [ready])
        fixture.finish(flying, .again, .delivered)
        fixture.finish(ready)
        let actions = fixture.run()
        guard case .start(flying, let site)? = actions.first else { Issue.record("unexpected \(actions)"); return }
        #expect(fixture.scheduler.key(of: site) == SchedulerFixture.site("b.example"))
    }

    @Test("new settings take effect on what waits already")
    func apply() {
        var fixture = SchedulerFixture { $0.retry.delayNotices = [] }
        let id = fixture.insert { $0.due = $0.arrival + .days(3) }
        #expect(fixture.run().isEmpty)
        var settings = fixture.scheduler.settings
        settings.retry.lifetime = .hours(1)
        fixture.scheduler.apply(settings, now: fixture.now)
        fixture.advance(.hours(1))
        #expect(fixture.run() == [.expire(id)])
    }

    @Test("a snapshot gives back what insert needs")
    func snapshot() {
        var fixture = SchedulerFixture { $0.initialSiteConcurrency = 1 }
        let flying = fixture.insert("a.example", sender: "one")
        let held = fixture.insert("b.example", sender: "two") { $0.isHeld = true }
        let scheduled = fixture.insert("c.example") { draft in
            draft.due = draft.arrival + .minutes(7)
            draft.attempts = 3
            draft.noticesGiven = 1
        }
        #expect(fixture.starts() == [flying])
        let snapshot = fixture.scheduler.snapshot
        for id in [flying, held] { fixture.scheduler.reroute(id, to: SchedulerFixture.destination("d.example"), now: fixture.now) }
        fixture.scheduler.remove(scheduled, now: fixture.now)
        #expect(snapshot.count == 3)
        let (drafts, next) = snapshot.drafts(from: 0, limit: 10)
        #expect(next == nil)
        #expect(drafts.map(\.destination.domain) == ["a.example", "b.example", "c.example"])
        #expect(drafts.map(\.sender.name) == ["one", "two", "s"])
        #expect(drafts.map(\.isHeld) == [false, true, false])
        #expect(drafts.map(\.attempts) == [0, 0, 3])
        #expect(drafts.map(\.due) == [nil, nil, fixture.now + .minutes(7)])
        #expect(snapshot.drafts(from: 0, limit: 2).next == 2)
    }

    @Test("shape counts entries of a destination by age")
    func shape() {
        var fixture = SchedulerFixture()
        for age in [1, 10, 100] { _ = fixture.insert { $0.arrival = $0.arrival - .minutes(Int64(age)) } }
        _ = fixture.insert("b.example")
        let shapes = fixture.scheduler.shape(bounds: [.minutes(5), .minutes(20)], now: fixture.now)
        #expect(shapes.map(\.destination.domain) == ["a.example", "b.example"])
        #expect(shapes.map(\.counts) == [[1, 1, 1], [1, 0, 0]])
    }

    @Test("an entry keeps within 64 bytes")
    func entrySize() { #expect(MemoryLayout<ScheduleEntry>.stride <= 64) }
}

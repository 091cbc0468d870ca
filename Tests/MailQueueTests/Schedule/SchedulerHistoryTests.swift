import Ports
import Testing
@testable import MailQueue

/// A random history of everything that a host can do, with a model that knows what must hold.
struct SchedulerHistory {
    struct Expectation {
        var isHeld = false
        var holdsAfterAttempt = false
        var isInFlight = false
        var isFinal = false
        /// Not to be started before; nil once somebody asked for haste.
        var notBefore: Timestamp?
        var expiry: Timestamp
        var notices = 0
    }

    var fixture: SchedulerFixture
    let random: SeededRandom
    var known: [EntryID: Expectation] = [:]
    var flying: [EntryID] = []
    var resolving: [DestinationID] = []
    var flyingAt: [SiteID: Int] = [:]
    var siteOf: [EntryID: SiteID] = [:]
    var started = 0
    var ended = 0

    init(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        self.random = random
        fixture = SchedulerFixture(seed: seed &+ 1) { settings in
            settings.maxInFlight = 1 + Int(random.next(below: 30))
            settings.maxResolving = 1 + Int(random.next(below: 5))
            settings.maxSettling = 1 + Int(random.next(below: 4))
            settings.initialSiteConcurrency = 1 + Int(random.next(below: 5))
            settings.maxSiteConcurrency = settings.initialSiteConcurrency + Int(random.next(below: 6))
        }
    }

    mutating func step() {
        switch random.next(below: 100) {
        case 0..<25: insert()
        case 25..<55: next()
        case 55..<75: finish()
        case 75..<83: resolve()
        case 83..<90: fixture.advance(.milliseconds(Int64(random.next(below: random.chance(10) ? 90_000_000 : 90_000))))
        case 90..<97: operate()
        case 97: fixture.scheduler.flush(now: fixture.now); forgetTimes()
        default: reload()
        }
    }

    private mutating func insert() {
        var isHeld = false
        var due: Timestamp?
        var arrival = fixture.now
        var isBounce = false
        let random = random
        let id = fixture.insert("d\(random.next(below: 12)).example", sender: "s\(random.next(below: 4))") { draft in
            draft.isHeld = random.chance(5)
            draft.isBounce = random.chance(10)
            draft.cost = UInt8(1 + random.next(below: 20))
            if random.chance(20) { draft.due = draft.arrival + .seconds(Int64(random.next(below: 20_000))) }
            if random.chance(10) { draft.arrival = draft.arrival - .hours(Int64(random.next(below: 150))) }
            (isHeld, due, arrival, isBounce) = (draft.isHeld, draft.due, draft.arrival, draft.isBounce)
        }
        #expect(known[id] == nil, "an id in use was given out")
        known[id] = Expectation(isHeld: isHeld, notBefore: due, expiry: arrival + (isBounce ? .days(2) : .days(5)))
    }

    mutating func next() {
        switch fixture.next() {
        case .resolve(let id):
            #expect(!resolving.contains(id), "asked twice")
            resolving.append(id)
            #expect(resolving.count <= fixture.scheduler.settings.maxResolving)
        case .start(let id, let site): start(id, site)
        case .fail(let id, _): handOut(id)
        case .expire(let id):
            if let expectation = known[id] { #expect(expectation.expiry <= fixture.now) }
            handOut(id)
        case .notify(let id):
            #expect(known[id]?.isInFlight == false && known[id]?.isHeld == false)
            known[id]?.notices += 1
            #expect((known[id]?.notices ?? 2) <= 1, "a second notice for one point")
        case .sleep(let until): #expect(until > fixture.now)
        case .pause, .idle: break
        }
    }

    private mutating func start(_ id: EntryID, _ site: SiteID) {
        if let notBefore = known[id]?.notBefore { #expect(notBefore <= fixture.now, "started too soon") }
        handOut(id)
        siteOf[id] = site
        started += 1
        let settings = fixture.scheduler.settings
        #expect(fixture.scheduler.delivering <= settings.maxInFlight)
        flyingAt[site, default: 0] += 1
        #expect(flyingAt[site, default: 0] <= settings.maxSiteConcurrency, "too many at a site")
    }

    private mutating func handOut(_ id: EntryID) {
        guard let expectation = known[id] else { Issue.record("handed out \(id), which is gone"); return }
        #expect(!expectation.isInFlight, "started twice")
        #expect(!expectation.isHeld, "started while held")
        known[id]?.isInFlight = true
        known[id]?.notBefore = nil
        flying.append(id)
    }

    mutating func finish(_ verdict: AttemptVerdict? = nil, _ feedback: SiteFeedback? = nil) {
        guard !flying.isEmpty else { return }
        let id = flying.remove(at: Int(random.next(below: UInt64(flying.count))))
        let site = siteOf.removeValue(forKey: id)
        if let site { flyingAt[site, default: 0] -= 1 }
        let verdicts: [AttemptVerdict] = [.settled, .settled, .deferred(), .deferred(atLeast: .hours(1)), .again, .aborted]
        let feedbacks: [SiteFeedback] = [.delivered, .answered, .throttled, .unavailable, .none]
        let verdict = verdict ?? verdicts[Int(random.next(below: 6))]
        let result = fixture.finish(id, verdict, feedback ?? feedbacks[Int(random.next(below: 5))])
        #expect((result == .settled) == (verdict == .settled))
        known[id]?.isInFlight = false
        switch result {
        case .settled: known[id] = nil; ended += 1
        case .deferred(let due): known[id]?.notBefore = due
        case .held: known[id]?.isHeld = true
        case .ready: break
        case .unknown: Issue.record("an entry in flight is unknown")
        }
        #expect((result == .held) == (known[id]?.isHeld ?? false))
        if let held = known[id]?.holdsAfterAttempt, held { #expect(result == .held) }
        known[id]?.holdsAfterAttempt = false
        if let site, random.chance(50),
           let more = fixture.scheduler.nextForSite(site, now: fixture.now, random: fixture.random) { start(more, site) }
    }

    mutating func resolve(_ resolution: Resolution? = nil) {
        guard !resolving.isEmpty else { return }
        let id = resolving.remove(at: Int(random.next(below: UInt64(resolving.count))))
        let any: Resolution = switch random.next(below: 10) {
        case 0: .unavailable
        case 1: .undeliverable(failure: 3)
        default: .site(SchedulerFixture.site("mx\(random.next(below: 5))"))
        }
        fixture.resolve(id, resolution ?? any, for: .seconds(Int64(random.next(below: 7200))))
    }

    private mutating func operate() {
        guard let id = known.keys.sorted(by: { $0.index < $1.index })
            .dropFirst(Int(random.next(below: UInt64(max(known.count, 1))))).first, let expectation = known[id] else { return }
        let now = fixture.now
        switch random.next(below: 5) {
        case 0:
            check(fixture.scheduler.hold(id, now: now), true)
            if expectation.isInFlight { known[id]?.holdsAfterAttempt = true } else { known[id]?.isHeld = true }
        case 1:
            check(fixture.scheduler.release(id, now: now), expectation.isHeld || expectation.holdsAfterAttempt)
            known[id]?.isHeld = false
            known[id]?.holdsAfterAttempt = false
        case 2:
            check(fixture.scheduler.retryNow(id, now: now), !expectation.isHeld && !expectation.holdsAfterAttempt)
            if !expectation.isHeld { known[id]?.notBefore = nil }
        case 3:
            check(fixture.scheduler.remove(id, now: now), !expectation.isInFlight)
            if !expectation.isInFlight { known[id] = nil; ended += 1 }
        default:
            let destination = SchedulerFixture.destination("d\(random.next(below: 14)).example")
            check(fixture.scheduler.reroute(id, to: destination, now: now), true)
            #expect(fixture.scheduler.destination(of: id) == destination)
        }
    }

    private mutating func reload() {
        var settings = fixture.scheduler.settings
        settings.maxSiteConcurrency += Int(random.next(below: 2))
        fixture.scheduler.apply(settings, now: fixture.now)
    }

    private mutating func forgetTimes() {
        // A held entry is not flushed.
        for (id, expectation) in known where !expectation.isHeld { known[id]?.notBefore = nil }
    }

    /// What must hold after every step.
    func checkInvariants() {
        let counts = fixture.scheduler.counts
        #expect(counts.total == known.count)
        #expect(counts.inFlight == flying.count)
        #expect(counts.held == known.values.count { $0.isHeld })
        #expect(fixture.scheduler.resolving == resolving.count)
        #expect(fixture.scheduler.delivering == siteOf.count)
        #expect(fixture.scheduler.isConsistent)
        #expect(known.keys.allSatisfy { fixture.scheduler.delayReason($0, now: fixture.now) != nil })
    }

    /// Everything turns good: all that is left must end.
    mutating func drain() {
        for (id, expectation) in known where expectation.isHeld || expectation.holdsAfterAttempt {
            fixture.scheduler.release(id, now: fixture.now)
            known[id]?.isHeld = false
            known[id]?.holdsAfterAttempt = false
        }
        for _ in 0..<100_000 where !known.isEmpty {
            for _ in 0..<20 { next() }
            while !resolving.isEmpty { resolve(.site(SchedulerFixture.site("mx\(random.next(below: 5))"))) }
            while !flying.isEmpty { finish(.settled, .delivered) }
            fixture.advance(.seconds(20))
        }
        #expect(known.isEmpty, "left over: \(known.keys.map { fixture.scheduler.delayReason($0, now: fixture.now) })")
        #expect(fixture.scheduler.counts.total == 0)
    }
}

extension Scheduler {
    /// Whether the lists, trees and counters agree with the states of the entries.
    var isConsistent: Bool {
        var ready: [UInt32: UInt32] = [:]
        var ofDestination: [UInt32: UInt32] = [:]
        var states = ScheduleCounts()
        for index in 0..<entries.bound where entries[index].state != .vacant {
            let entry = entries[index]
            states[entry.state] += 1
            ofDestination[entry.destination, default: 0] += 1
            if entry.state == .ready { ready[flows[entry.place].site, default: 0] += 1 }
            let isTimed: Bool = switch entry.state {
            case .unresolved, .scheduled, .ready: true
            case .leaving, .inFlight, .held, .vacant: false
            }
            guard TimerWheel.contains(index, in: entries) == isTimed else { return false }
        }
        guard states == counts else { return false }
        for index in 0..<sites.bound {
            guard sites[index].ready == ready[index, default: 0] else { return false }
            let isEligible = sites[index].ready > 0 && Int(sites[index].inFlight) < capacity(index)
            // A site whose probe time has just come becomes eligible when its timer is handled.
            guard sites[index].isEligible == isEligible || siteTimers.hasPending || sites[index].condition != .open
            else { return false }
        }
        return destinationIndex.values.allSatisfy { destinations[$0].entries == ofDestination[$0, default: 0] }
    }
}

@Suite("Scheduler: random histories")
struct SchedulerHistoryTests {
    @Test("nothing is lost, nothing starts twice, limits hold, and in the end all is drained", arguments: 1...40)
    func history(seed: Int) {
        var history = SchedulerHistory(seed: UInt64(seed))
        for step in 0..<1500 {
            history.step()
            if step % 20 == 0 { history.checkInvariants() }
        }
        history.checkInvariants()
        history.drain()
        history.checkInvariants()
        #expect(history.started > 100 && history.ended > 100)
    }

    @Test("with saturated senders, each gets its share within a few quanta", arguments: 1...5)
    func fairness(seed: Int) {
        var fixture = SchedulerFixture(seed: UInt64(seed))
        let random = SeededRandom(seed: UInt64(seed))
        let senders = 5
        for number in 0..<5000 { _ = fixture.insert(sender: "s\(number % senders)") { $0.cost = UInt8(1 + random.next(below: 16)) } }
        var flying = fixture.starts()
        var served = [SenderKey: Int](minimumCapacity: senders)
        for _ in 0..<2000 {
            let id = flying.remove(at: Int(random.next(below: UInt64(flying.count))))
            if let sender = fixture.scheduler.sender(of: id), let cost = fixture.scheduler[id]?.cost {
                served[sender, default: 0] += Int(cost)
            }
            fixture.finish(id)
            flying += fixture.starts()
            let least = served.count == senders ? served.values.min() ?? 0 : 0
            // Each may be one quantum and one dear entry ahead, and what is in flight is not counted yet.
            if (served.values.max() ?? 0) - least > 2 * (4 + 16) + 21 * 16 { Issue.record("unfair: \(served)") }
        }
        let shares = served.values.map { Double($0) / Double(served.values.reduce(0, +)) }
        #expect(shares.allSatisfy { abs($0 - 0.2) < 0.02 })
    }
}

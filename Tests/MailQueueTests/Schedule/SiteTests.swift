import Ports
import Testing
@testable import MailQueue

@Suite("Scheduler: sites")
struct SiteTests {
    @Test("the order and number of hosts do not make another site")
    func rollUp() {
        let one = SiteKey(transport: "smtp", hosts: [("b.mx", 25), ("a.mx", 25), ("b.mx", 25)])
        #expect(one == SiteKey(transport: "smtp", hosts: [("a.mx", 25), ("b.mx", 25)]))
        #expect(one.description == "smtp:a.mx:25,b.mx:25")
        #expect(one != SiteKey(transport: "smtp", hosts: [("a.mx", 25), ("b.mx", 26)]))
        #expect(one != SiteKey(transport: "lmtp", hosts: [("a.mx", 25), ("b.mx", 25)]))
    }

    @Test("concurrency starts at 5 and grows by one a window, up to the limit")
    func growth() {
        var fixture = SchedulerFixture()
        for _ in 0..<1000 { _ = fixture.insert() }
        var flying = fixture.starts()
        #expect(flying.count == 5)
        #expect(flying.compactMap { fixture.message($0) } == [1, 2, 3, 4, 5])
        var most = 5
        for _ in 0..<400 {
            fixture.finish(flying.removeFirst())
            flying += fixture.starts()
            #expect(flying.count <= most + 1)
            most = max(most, flying.count)
        }
        #expect(most == 20)
        #expect(flying.count == 20)
        let waiting = fixture.insert()
        #expect(fixture.scheduler.delayReason(waiting, now: fixture.now) == .siteLimit(inFlight: 20))
    }

    @Test("a failure takes one delivery away, a request to slow down half of them")
    func window() {
        var window = ConcurrencyWindow(initial: 5)
        for _ in 0..<200 { window.delivered(max: 20) }
        #expect(window.capacity(max: 20) == 20)
        check(window.failed(), false)
        #expect(window.capacity(max: 20) == 19)
        check(window.throttled(), false)
        #expect(window.capacity(max: 20) == 9)
        #expect(window.capacity(max: 4) == 4)
        window.answered()
        var failures = 0
        while !window.failed() { failures += 1 }
        #expect((3...9).contains(failures))
        #expect(window.capacity(max: 20) >= 1)
    }

    @Test("a site that does not answer gets one probe at growing intervals; its mail waits on it")
    func deadSite() {
        var fixture = SchedulerFixture { $0.retry.delayNotices = [] }
        let ids = (0..<100).map { _ in fixture.insert() }
        var attempts = 0
        var probes: [Duration] = []
        while fixture.now < SchedulerFixture.start + .hours(10) {
            let started = fixture.starts()
            attempts += started.count
            if fixture.now > SchedulerFixture.start {
                #expect(started.count <= 1)
                if !started.isEmpty { probes.append(fixture.now - SchedulerFixture.start) }
            }
            for id in started { fixture.finish(id, .deferred(), .unavailable) }
            fixture.advance(.seconds(10))
        }
        // The first window, then 1, 2, 5, 10, 20, 40, 60, 60… minutes apart.
        #expect(attempts - probes.count == 4 || attempts - probes.count == 5)
        #expect((13...18).contains(probes.count))
        guard case .siteUnavailable? = fixture.scheduler.delayReason(ids[99], now: fixture.now) else {
            Issue.record("no reason"); return
        }
        #expect(fixture.scheduler.siteStatuses.count == 1)
        // The site is back: the probe opens it, and all the mail goes.
        fixture.scheduler.flush(now: fixture.now)
        var delivered = 0
        while case let started = fixture.starts(), !started.isEmpty {
            if delivered == 0 { #expect(started.count == 1) }
            for id in started { fixture.finish(id); delivered += 1 }
        }
        #expect(delivered == 100)
    }

    @Test("old attempts that fail after the site was left alone do not put the probe off")
    func lateFailures() {
        var fixture = SchedulerFixture { $0.initialSiteConcurrency = 8 }
        for _ in 0..<20 { _ = fixture.insert() }
        let started = fixture.starts()
        #expect(started.count == 8)
        for id in started { fixture.finish(id, .deferred(), .unavailable) }
        fixture.advance(.seconds(67))
        #expect(fixture.starts().count == 1)
    }

    @Test("no probe goes out while an attempt from before may still tell something")
    func oldAttemptsFirst() {
        var fixture = SchedulerFixture()
        for _ in 0..<20 { _ = fixture.insert() }
        let started = fixture.starts()
        for id in started.dropLast() { fixture.finish(id, .deferred(), .unavailable) }
        fixture.advance(.minutes(5))
        #expect(fixture.starts().isEmpty)
        fixture.finish(started[4], .deferred(), .unavailable)
        fixture.advance(.minutes(5))
        #expect(fixture.starts().count == 1)
    }

    @Test("an old attempt that succeeds opens the site again")
    func lateSuccess() {
        var fixture = SchedulerFixture()
        for _ in 0..<20 { _ = fixture.insert() }
        let started = fixture.starts()
        for id in started.dropLast() { fixture.finish(id, .deferred(), .unavailable) }
        #expect(fixture.starts().isEmpty)
        fixture.finish(started[4], .settled, .delivered)
        #expect(fixture.starts().count == 5)
    }

    @Test("a probe that tells nothing is repeated after a few seconds")
    func lostProbe() {
        var fixture = SchedulerFixture { $0.initialSiteConcurrency = 1 }
        for _ in 0..<5 { _ = fixture.insert() }
        fixture.finish(fixture.starts()[0], .deferred(), .throttled)
        fixture.advance(.seconds(67))
        let probe = fixture.starts()
        #expect(probe.count == 1)
        fixture.finish(probe[0], .aborted, .none)
        #expect(fixture.starts().isEmpty)
        fixture.advance(.seconds(5))
        #expect(fixture.starts().count == 1)
    }

    @Test("retry now probes a site that is left alone")
    func retryNowProbes() {
        var fixture = SchedulerFixture { $0.initialSiteConcurrency = 1 }
        let ids = (0..<3).map { _ in fixture.insert() }
        fixture.finish(fixture.starts()[0], .deferred(), .unavailable)
        #expect(fixture.starts().isEmpty)
        check(fixture.scheduler.retryNow(ids[2], now: fixture.now), true)
        #expect(fixture.starts().count == 1)
    }

    @Test("a site that asks all of a window to slow down is left alone for a while")
    func throttled() {
        var fixture = SchedulerFixture()
        let ids = (0..<10).map { _ in fixture.insert() }
        for id in fixture.starts() { fixture.finish(id, .deferred(), .throttled) }
        #expect(fixture.starts().isEmpty)
        guard case .siteThrottled? = fixture.scheduler.delayReason(ids[9], now: fixture.now) else {
            Issue.record("no reason"); return
        }
    }

    @Test("senders take turns, oldest first inside a sender")
    func fairShares() {
        var fixture = SchedulerFixture { $0.initialSiteConcurrency = 1 }
        let bulk = (0..<100).map { _ in fixture.insert(sender: "bulk") }
        let person = (0..<8).map { _ in fixture.insert(sender: "person") }
        var order: [EntryID] = []
        while let id = fixture.starts(limit: 1).first {
            order.append(id)
            fixture.finish(id)
        }
        #expect(order.filter { bulk.contains($0) } == bulk)
        #expect(order.filter { person.contains($0) } == person)
        // Quanta of four alternate: the eight are gone after at most three turns of the bulk sender.
        #expect(order.prefix(20).filter { person.contains($0) }.count == 8)
    }

    @Test("an entry that costs more takes more turns of its sender")
    func costs() {
        var fixture = SchedulerFixture { $0.initialSiteConcurrency = 1 }
        for _ in 0..<100 { _ = fixture.insert(sender: "large") { $0.cost = 16 } }
        for _ in 0..<1000 { _ = fixture.insert(sender: "small") }
        var large = 0
        for _ in 0..<680 {
            let id = fixture.starts(limit: 1)[0]
            if fixture.scheduler.sender(of: id) == SenderKey("large") { large += 1 }
            fixture.finish(id)
        }
        #expect((36...44).contains(large))
    }

    @Test("an entry that becomes ready later is still tried in order of age")
    func oldestFirst() {
        var fixture = SchedulerFixture { $0.maxSiteConcurrency = 1 }
        let first = fixture.insert()
        #expect(fixture.starts() == [first])
        let younger = (0..<3).map { _ in fixture.insert() }
        fixture.finish(first, .deferred(), .answered)
        let second = fixture.starts()
        #expect(second == [younger[0]])
        fixture.advance(.minutes(2))
        #expect(fixture.starts().isEmpty)
        fixture.finish(second[0])
        #expect(fixture.starts() == [first])
    }

    @Test("a free connection goes on with the next entry of its site")
    func batchAffinity() {
        var fixture = SchedulerFixture { $0.initialSiteConcurrency = 1 }
        let here = (0..<3).map { _ in fixture.insert("a.example") }
        _ = fixture.insert("b.example")
        guard case .start(let first, let site)? = fixture.run(limit: 1).first else { Issue.record("no start"); return }
        #expect(first == here[0])
        #expect(fixture.scheduler.nextForSite(site, now: fixture.now, random: fixture.random) == nil)
        fixture.finish(first)
        #expect(fixture.scheduler.nextForSite(site, now: fixture.now, random: fixture.random) == here[1])
        fixture.finish(here[1])
        #expect(fixture.scheduler.nextForSite(site, now: fixture.now, random: fixture.random) == here[2])
        fixture.finish(here[2])
        #expect(fixture.scheduler.nextForSite(site, now: fixture.now, random: fixture.random) == nil)
    }

    @Test("the total limit holds, and sites take turns below it")
    func totalLimit() {
        var fixture = SchedulerFixture { $0.maxInFlight = 6 }
        for number in 0..<4 { for _ in 0..<50 { _ = fixture.insert("d\(number).example") } }
        var flying = fixture.run()
        #expect(flying.count == 6)
        #expect(fixture.scheduler.siteStatuses.map(\.inFlight).sorted() == [1, 1, 2, 2])
        var served: [SiteID: Int] = [:]
        for _ in 0..<80 {
            guard case .start(let id, let site) = flying.removeFirst() else { Issue.record("not a start"); return }
            served[site, default: 0] += 1
            fixture.finish(id)
            if let next = fixture.scheduler.nextForSite(site, now: fixture.now, random: fixture.random) {
                flying.append(.start(next, site))
            }
            flying += fixture.run()
            #expect(flying.count == 6)
        }
        #expect(served.values.allSatisfy { (15...25).contains($0) })
    }

    @Test("a destination that takes mail slowly costs the others nothing")
    func isolation() {
        func rate(tarpit: Bool) -> Int {
            var fixture = SchedulerFixture { $0.maxInFlight = 400 }
            for _ in 0..<5000 { if tarpit { _ = fixture.insert("tarpit.example", sender: "s") } }
            for number in 0..<5000 { _ = fixture.insert("d\(number % 9).example", sender: "s") }
            var delivered = 0
            for _ in 0..<100 {
                for action in fixture.run() {
                    guard case .start(let id, _) = action else { continue }
                    if fixture.scheduler.destination(of: id)?.domain == "tarpit.example" { continue }
                    fixture.finish(id)
                    delivered += 1
                    if delivered % 500 == 0 { fixture.advance(.seconds(1)) }
                }
            }
            return delivered
        }
        #expect(rate(tarpit: true) == rate(tarpit: false))
    }

    @Test("sites without mail are forgotten beyond a number, and a stale id names nothing")
    func idleSites() {
        var fixture = SchedulerFixture()
        var first: SiteID?
        // Idle destinations hold on to their sites, so it takes as many destinations again to push them out.
        for number in 0..<41_000 {
            let id = fixture.insert("d\(number).example")
            for case .start(_, let site) in fixture.run() where first == nil { first = site }
            fixture.finish(id)
        }
        #expect(fixture.scheduler.sites.count <= 40_000)
        #expect(first.flatMap { fixture.scheduler.key(of: $0) } == nil)
        if let first { #expect(fixture.scheduler.nextForSite(first, now: fixture.now, random: fixture.random) == nil) }
    }
}

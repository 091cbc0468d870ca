import Glibc
import Ports
import Testing
@testable import MailQueue

/// Many entries, with times and memory printed; `SCHEDULER_SCALE=1000000` and a release build give figures that mean something.
@Suite("Scheduler: scale", .serialized)
struct SchedulerScaleTests {
    let count = Int(getenv("SCHEDULER_SCALE").map { String(cString: $0) } ?? "") ?? 20_000

    @Test("a full queue is tried, deferred, flushed and drained; no call takes long")
    func wholeLife() {
        var fixture = SchedulerFixture { $0.retry.delayNotices = [] }
        let domains = (0..<max(count / 10, 1)).map { "destination-\($0).example" }
        let senders = (0..<max(count / 100, 1)).map { "sender-\($0).example" }
        let before = residentBytes()
        var meter = CallMeter()
        for number in 0..<count {
            // A step that is prime to both counts mixes senders and destinations.
            meter.measure { _ = fixture.insert(domains[number * 7919 % domains.count], sender: senders[number * 104_729 % senders.count]) }
        }
        meter.report("insert", count)
        print("memory: \((residentBytes() - before) / max(count, 1)) bytes an entry after insert")

        let deferred = tryAll(&fixture, &meter) { $0.finish($1, .deferred(), .answered) }
        #expect(deferred == count)
        meter.report("first attempt (resolve, next, finish)", count)
        print("memory: \((residentBytes() - before) / max(count, 1)) bytes an entry when all wait for a retry")
        #expect(fixture.scheduler.counts.scheduled == count)

        fixture.advance(.hours(1))
        let again = tryAll(&fixture, &meter) { $0.finish($1, .deferred(), .answered) }
        #expect(again == count)
        meter.report("second attempt, all due at one moment", count)
        print("memory: \((residentBytes() - before) / max(count, 1)) bytes an entry after all were due")

        meter.measure { fixture.scheduler.flush(now: fixture.now) }
        meter.report("flush", 1)
        let delivered = tryAll(&fixture, &meter) { $0.finish($1, .settled, .delivered) }
        #expect(delivered == count)
        meter.report("drain", count)
        #expect(fixture.scheduler.counts.total == 0)
    }

    @Test("a million entries of one dead site wait on it, and a probe empties it")
    func oneSite() {
        var fixture = SchedulerFixture { $0.retry.delayNotices = [] }
        var meter = CallMeter()
        for number in 0..<count { meter.measure { _ = fixture.insert(sender: "s\(number % 100)") } }
        meter.report("insert for one site", count)
        for _ in 0..<10 {
            while case let action = fixture.next(), action != .idle {
                if case .sleep = action { break }
                if case .resolve(let id) = action { fixture.resolve(id, .site(SchedulerFixture.site("mx")), for: .days(1)) }
                if case .start(let id, _) = action { fixture.finish(id, .deferred(), .unavailable) }
            }
            fixture.advance(.minutes(30))
        }
        let attempts = fixture.scheduler.entries(from: 0, limit: count).reduce(0) { $0 + Int(fixture.scheduler[$1]?.attempts ?? 0) }
        #expect(attempts <= 15)
        meter.reset()
        meter.measure { fixture.scheduler.flush(now: fixture.now) }
        let delivered = tryAll(&fixture, &meter) { $0.finish($1, .settled, .delivered) }
        #expect(delivered == count)
        meter.report("drain one site", count)
    }

    @Test("a snapshot of a full queue costs no long call")
    func snapshot() {
        var fixture = SchedulerFixture()
        var ids: [EntryID] = []
        for number in 0..<count { ids.append(fixture.insert("d\(number % 1000).example")) }
        var meter = CallMeter()
        var snapshot: ScheduleSnapshot?
        meter.measure { snapshot = fixture.scheduler.snapshot }
        for id in ids.prefix(2000) { meter.measure { fixture.scheduler.hold(id, now: fixture.now) } }
        meter.report("snapshot, then changes", 2000)
        #expect(snapshot?.count == count)
    }

    private func tryAll(_ fixture: inout SchedulerFixture, _ meter: inout CallMeter,
                        _ end: (inout SchedulerFixture, EntryID) -> FinishResult) -> Int {
        var tried = 0
        while true {
            var action = SchedulerAction.idle
            meter.measure { action = fixture.next() }
            switch action {
            case .resolve(let id):
                guard let key = fixture.scheduler.key(of: id) else { continue }
                let site = SchedulerFixture.site(key.domain)
                meter.measure { fixture.resolve(id, .site(site), for: .days(1)) }
            case .start(let id, _):
                meter.measure { _ = end(&fixture, id) }
                tried += 1
            case .pause, .notify: continue
            case .fail, .expire: Issue.record("an entry left")
            case .sleep, .idle: return tried
            }
        }
    }
}

/// Adds up the time of calls and remembers the longest.
private struct CallMeter {
    private var total = Duration.zero
    private var longest = Duration.zero

    mutating func measure(_ call: () -> Void) {
        let took = ContinuousClock().measure(call)
        total += took
        longest = max(longest, took)
    }

    mutating func report(_ what: String, _ count: Int) {
        print("\(what): \(Int(total.inSeconds * 1e9) / max(count, 1)) ns each, longest call \(Int(longest.inSeconds * 1e6)) us")
        reset()
    }

    mutating func reset() { self = CallMeter() }
}

/// Resident memory of this process, from `/proc/self/statm`.
private func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, 128, file) != nil else { return 0 }
    let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
    return words.count > 1 ? (Int(words[1]) ?? 0) * 4096 : 0
}

import Ports
import Testing
@testable import MailQueue

/// A scheduler with a clock and a seed, and short words for what tests do with it.
struct SchedulerFixture {
    static let start = Timestamp(seconds: 1_800_000_000)

    var scheduler: Scheduler
    var now = SchedulerFixture.start
    let random: SeededRandom
    private var lastMessage: UInt64 = 0

    init(seed: UInt64 = 1, _ change: (inout SchedulerSettings) -> Void = { _ in }) {
        var settings = SchedulerSettings()
        change(&settings)
        scheduler = Scheduler(settings: settings, now: now)
        random = SeededRandom(seed: seed)
    }

    static func destination(_ domain: String) -> DestinationKey { DestinationKey(route: RouteID(0), domain: domain) }
    static func site(_ name: String) -> SiteKey { SiteKey(transport: "smtp", hosts: [(name, 25)]) }

    mutating func insert(_ domain: String = "a.example", sender: String = "s",
                         _ change: (inout EntryDraft) -> Void = { _ in }) -> EntryID {
        lastMessage += 1
        var draft = EntryDraft(message: lastMessage, payload: lastMessage, destination: Self.destination(domain),
                               sender: SenderKey(sender), arrival: now)
        change(&draft)
        return scheduler.insert(draft, now: now)
    }

    mutating func next() -> SchedulerAction { scheduler.next(now: now, random: random) }

    mutating func resolve(_ id: DestinationID, _ resolution: Resolution, for validity: Duration = .hours(1)) {
        scheduler.resolved(id, resolution, validUntil: now + validity, now: now, random: random)
    }

    /// Calls `next` until it has nothing more, resolving every domain to a site of its own name; returns the other actions.
    mutating func run(limit: Int = .max, resolving site: (String) -> Resolution = { .site(SchedulerFixture.site($0)) })
        -> [SchedulerAction] {
        var actions: [SchedulerAction] = []
        while actions.count < limit {
            let action = next()
            switch action {
            case .resolve(let id):
                if let key = scheduler.key(of: id) { resolve(id, site(key.domain)) }
            case .pause: continue
            case .sleep, .idle: return actions
            case .start, .fail, .expire, .notify: actions.append(action)
            }
        }
        return actions
    }

    /// The entries that `run` starts.
    mutating func starts(limit: Int = .max) -> [EntryID] {
        run(limit: limit).compactMap { if case .start(let id, _) = $0 { id } else { nil } }
    }

    @discardableResult
    mutating func finish(_ id: EntryID, _ verdict: AttemptVerdict = .settled, _ feedback: SiteFeedback = .delivered)
        -> FinishResult {
        scheduler.finish(id, verdict, feedback: feedback, now: now, random: random)
    }

    mutating func advance(_ duration: Duration) { now = now + duration }

    func message(_ id: EntryID) -> UInt64? { scheduler[id]?.message }
}

/// Expects what a mutating call returned; `#expect` cannot contain one.
func check(_ result: Bool, _ expected: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(result == expected, sourceLocation: sourceLocation)
}

import Events
import MailQueue
import Ports
import Storage

/// How well the way between a node and the store works; each value is a probability for one call.
public struct StoreWeather: Sendable {
    /// Time of one way.
    public var latency: ClosedRange<Duration> = .microseconds(100)...(.milliseconds(5))
    /// Time that a commit takes at the store, in which others may pass it.
    public var commit: ClosedRange<Duration> = .microseconds(100)...(.milliseconds(5))
    /// The store says that it cannot.
    public var unavailable = 0.0
    /// The question is lost: the caller hears nothing in time, and nothing happens.
    public var lostQuestion = 0.0
    /// The answer is lost: the caller hears nothing in time, and it has happened.
    public var lostAnswer = 0.0
    /// The question comes late: the caller hears nothing in time, and it happens after that.
    public var late = 0.0
    /// When a caller gives up.
    public var timeout = Duration.seconds(5)

    /// A store that works.
    public init() {}

    /// A store in whose network everything goes wrong now and then.
    public static var storm: StoreWeather {
        var weather = StoreWeather()
        weather.latency = .microseconds(200)...(.milliseconds(60))
        weather.commit = .microseconds(200)...(.milliseconds(200))
        weather.unavailable = 0.01
        weather.lostQuestion = 0.01
        weather.lostAnswer = 0.015
        weather.late = 0.01
        return weather
    }
}

/// What one node sees of a store: the same methods, late, and failing now and then.
public final class SimulatedStoreClient: QueueStore, @unchecked Sendable {
    /// How well the way works from now on.
    public var weather = StoreWeather()
    /// Whether the node is cut off from the store.
    public var isCutOff = false
    /// When renewals failed twice in a row, last: what a lease may not survive.
    public private(set) var lastRowOfFaults: Timestamp?
    private var failedRenewals = 0
    /// How often each kind of fault has come up.
    public private(set) var faults: [String: Int] = [:]
    private let store: MemoryQueueStore
    private let simulator: Simulator
    private let random: SeededRandom

    /// A way to `store` that draws from the seed of the world.
    public init(_ store: MemoryQueueStore, simulator: Simulator) {
        self.store = store
        self.simulator = simulator
        random = simulator.random.fork()
    }

    private enum Fate {
        case works
        case unavailable
        case lostQuestion
        case lostAnswer
        case late
    }

    private func fate() -> Fate {
        if isCutOff { return .lostQuestion }
        var draw = Double(random.next() >> 11) / Double(1 << 53)
        for (probability, fate) in [(weather.unavailable, Fate.unavailable), (weather.lostQuestion, .lostQuestion),
                                    (weather.lostAnswer, .lostAnswer), (weather.late, .late)] {
            if draw < probability { return fate }
            draw -= probability
        }
        return .works
    }

    private func fault(_ what: String) {
        faults[what, default: 0] += 1
    }

    private func note(_ renewal: Result<[PlaceLease], StoreError>) {
        if case .success = renewal { return failedRenewals = 0 }
        failedRenewals += 1
        if failedRenewals >= 2 { lastRowOfFaults = simulator.now }
    }

    private func later(_ delay: Duration, _ event: @escaping () -> Void) { simulator.schedule(at: simulator.now + delay, event) }

    private func oneWay() -> Duration { random.duration(in: weather.latency) }

    /// Carries a question to the store and the answer back, as well as the weather allows.
    private func call<Answer: Sendable>(_ loop: any Loop, isCommit: Bool = false, _ question: @escaping (UInt64) -> Result<Answer, StoreError>,
                                        _ completion: @escaping @Sendable (Result<Answer, StoreError>) -> Void) {
        let fate = fate()
        let timeout = weather.timeout
        let commit = isCommit ? random.duration(in: weather.commit) : .zero
        let arrival = fate == .late ? timeout + random.duration(in: .zero...(.seconds(40))) : oneWay()
        let way = oneWay()
        switch fate {
        case .unavailable:
            fault("store: unavailable")
            return later(arrival + way) { loop.execute { completion(.failure(.unavailable)) } }
        case .lostQuestion:
            fault(isCutOff ? "store: cut off" : "store: question lost")
            return later(timeout) { loop.execute { completion(.failure(.unknown)) } }
        case .lostAnswer: fault("store: answer lost")
        case .late: fault("store: late question")
        case .works: break
        }
        if fate != .works { later(timeout) { loop.execute { completion(.failure(.unknown)) } } }
        later(arrival) {
            let number = isCommit ? self.store.begin() : 0
            self.later(commit) {
                let answer = question(number)
                if fate == .works { self.later(way) { loop.execute { completion(answer) } } }
            }
        }
    }

    public func join(on loop: any Loop, completion: @escaping @Sendable (Result<NodeID, StoreError>) -> Void) {
        call(loop, { [store] _ in .success(store.join()) }, completion)
    }

    public func append(_ group: StoreGroup, on loop: any Loop,
                       completion: @escaping @Sendable (Result<StorePosition, StoreError>) -> Void) {
        call(loop, isCommit: true, { [store] in store.append(group, started: $0) }, completion)
    }

    public func claim(_ claim: PlaceClaim, on loop: any Loop, completion: @escaping @Sendable (Result<ClaimAnswer, StoreError>) -> Void) {
        call(loop, { [store] _ in .success(store.claim(claim)) }, completion)
    }

    public func renew(_ leases: [PlaceLease], for duration: Duration, on loop: any Loop,
                      completion: @escaping @Sendable (Result<[PlaceLease], StoreError>) -> Void) {
        call(loop, { [store] _ in .success(store.renew(leases, for: duration)) }, { result in
            self.note(result)
            completion(result)
        })
    }

    public func release(_ leases: [PlaceLease], on loop: any Loop, completion: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
        call(loop, { [store] _ in .success(store.release(leases)) }, completion)
    }

    public func entries(at reads: [PlaceRead], limit: Int, on loop: any Loop,
                        completion: @escaping @Sendable (Result<[PlacePage], StoreError>) -> Void) {
        call(loop, { [store] _ in .success(store.entries(at: reads, limit: limit)) }, completion)
    }

    public func settle(_ settlement: Settlement, on loop: any Loop,
                       completion: @escaping @Sendable (Result<StorePosition, StoreError>) -> Void) {
        call(loop, isCommit: true, { [store] in store.settle(settlement, started: $0) }, completion)
    }

    public func message(of entry: EntryName, maxBody: Int, on loop: any Loop,
                        completion: @escaping @Sendable (Result<KeptContent, StoreError>) -> Void) {
        call(loop, { [store] _ in store.message(of: entry, maxBody: maxBody) }, completion)
    }

    public func body(_ message: QueueID, part: Int, on loop: any Loop,
                     completion: @escaping @Sendable (Result<[UInt8], StoreError>) -> Void) {
        call(loop, { [store] _ in store.body(message, part: part) }, completion)
    }

    public func putPart(_ message: QueueID, index: UInt32, _ bytes: [UInt8], on loop: any Loop,
                        completion: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
        call(loop, { [store] _ in .success(store.putPart(message, index: index, bytes)) }, completion)
    }

    public func abandon(_ message: QueueID) {
        if !isCutOff { later(oneWay()) { self.store.abandon(message) } }
    }

    public func events(after position: StorePosition, limit: Int, on loop: any Loop,
                       completion: @escaping @Sendable (Result<EventPage, StoreError>) -> Void) {
        call(loop, { [store] _ in .success(store.events(after: position, limit: limit)) }, completion)
    }
}

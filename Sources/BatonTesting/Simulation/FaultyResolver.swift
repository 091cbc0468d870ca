import DNS
import Ports

/// A resolver whose answers are late or missing now and then.
public final class FaultyResolver: Resolver, @unchecked Sendable {
    /// Questions that fail.
    public var failures = 0.0
    /// How late an answer may be.
    public var delay: ClosedRange<Duration> = .milliseconds(1)...(.milliseconds(30))
    /// Questions that failed so far.
    public private(set) var failed = 0
    private let resolver: any Resolver
    private let random: SeededRandom

    /// A resolver that spoils answers of `resolver`, drawing from the seed of the world.
    public init(_ resolver: any Resolver, simulator: Simulator) {
        self.resolver = resolver
        random = simulator.random.fork()
    }

    public func resolve(_ name: String, _ type: RecordType, on loop: any Loop,
                        completion: @escaping @Sendable (DNSAnswer) -> Void) {
        let delay = random.duration(in: delay)
        if random.chance(failures) {
            failed += 1
            let isSilent = random.chance(0.5)
            let answer = DNSAnswer(isSilent ? .timedOut : .serverFailure, canonicalName: name, reason: "simulated")
            loop.run { _ = loop.schedule(at: loop.now + (isSilent ? .seconds(30) : delay)) { completion(answer) } }
            return
        }
        resolver.resolve(name, type, on: loop) { answer in
            _ = loop.schedule(at: loop.now + delay) { completion(answer) }
        }
    }
}

import Ports
import Synchronization

/// Answers from a zone, with the delays that it asks for, on the askers' own loops.
public final class ZoneResolver: Resolver {
    /// How many aliases are followed, as in libunbound.
    public static let maxAliases = 11
    private let state: Mutex<Zone>
    private let timeToLive: Duration

    /// A resolver of `zone` whose answers may be kept for `timeToLive`.
    public init(_ zone: Zone, timeToLive: Duration = .minutes(1)) {
        state = Mutex(zone)
        self.timeToLive = timeToLive
    }

    /// The zone; questions asked from now on see a new one.
    public var zone: Zone {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }

    public func resolve(_ name: String, _ type: RecordType, on loop: any Loop,
                        completion: @escaping @Sendable (DNSAnswer) -> Void) {
        let (answer, delay) = state.withLock { $0.answer(name, type, timeToLive) }
        guard delay > .zero else { return loop.execute { completion(answer) } }
        loop.run { _ = loop.schedule(at: loop.now + delay) { completion(answer) } }
    }
}

extension Zone {
    /// The answer about `name`, and how long it takes.
    fileprivate func answer(_ name: String, _ type: RecordType, _ timeToLive: Duration) -> (DNSAnswer, Duration) {
        guard var name = DNSName.canonical(name) else {
            return (DNSAnswer(.nameError, canonicalName: name, reason: "not a domain name"), .zero)
        }
        var delay = Duration.zero
        var isSecure = true
        for _ in 0...ZoneResolver.maxAliases {
            guard let entry = names[name] else {
                return (DNSAnswer(.nameError, timeToLive: timeToLive, canonicalName: name), delay)
            }
            delay += entry.delay
            isSecure = isSecure && entry.isSecure
            if entry.isBogus {
                return (DNSAnswer(.bogus, canonicalName: name, reason: "DNSSEC validation failed: \(name) is bogus"), delay)
            }
            if let records = entry.records[type] {
                let status = records.isEmpty ? DNSAnswer.Status.noData : .success
                return (DNSAnswer(status, records: records, isSecure: isSecure, timeToLive: timeToLive,
                                  canonicalName: name), delay)
            }
            if case .cname(let target)? = entry.records[.cname]?.first {
                name = target
                continue
            }
            return (entry.failure(name, isSecure, timeToLive), delay)
        }
        return (DNSAnswer(.serverFailure, canonicalName: name, reason: "CNAME loop at \(name)"), delay)
    }
}

extension Zone.Entry {
    /// The answer to a question for a type that is not listed.
    fileprivate func failure(_ name: String, _ isSecure: Bool, _ timeToLive: Duration) -> DNSAnswer {
        switch status {
        case .success, .noData:
            DNSAnswer(.noData, isSecure: isSecure, timeToLive: timeToLive, canonicalName: name)
        case .nameError:
            DNSAnswer(.nameError, isSecure: isSecure, timeToLive: timeToLive, canonicalName: name)
        case .serverFailure:
            DNSAnswer(.serverFailure, canonicalName: name, reason: "the servers of \(name) fail (SERVFAIL)")
        case .timedOut:
            DNSAnswer(.timedOut, canonicalName: name, reason: "no answer for \(name)")
        case .bogus:
            DNSAnswer(.bogus, canonicalName: name, reason: "DNSSEC validation failed: \(name) is bogus")
        }
    }
}

import Ports

/// Counts failures of authentication by the network of the client and by the name that was tried.
struct FailureThrottle: Sendable {
    /// Whose failures are counted together.
    enum Subject: Hashable, Sendable {
        /// A client: its address, or the network that one customer has.
        case network(IPNetwork)
        /// A name, whether there is such an account or not.
        case name(String)
        /// A client that has proved to be the account before.
        case known(IPNetwork, String)
    }

    private struct Count {
        var windowStart: Timestamp
        var failures: Int
    }

    let settings: ThrottleSettings
    private var counts: [Subject: Count] = [:]
    private var sweepAt = FailureThrottle.minSweep

    private static let minSweep = 4096

    init(_ settings: ThrottleSettings) { self.settings = settings }

    /// Whether another try from `address` as `name` is let through.
    func admits(_ address: IPAddress?, _ name: String?, at now: Timestamp) -> Bool {
        let network = address.map(network(of:))
        if let network, failures(.network(network), at: now) >= settings.maxFailuresPerClient { return false }
        guard let name, failures(.name(name), at: now) >= settings.maxFailuresPerName else { return true }
        // Strangers who guess must not lock the owner out: who has been in lately may try again.
        return network.map { counts[.known($0, name)] != nil } ?? false
    }

    /// Notes that a try failed.
    mutating func noteFailure(_ address: IPAddress?, _ name: String?, at now: Timestamp) {
        if let address { count(.network(network(of: address)), at: now) }
        if let name { count(.name(name), at: now) }
    }

    /// Notes that a try succeeded.
    mutating func noteSuccess(_ address: IPAddress?, _ name: String, at now: Timestamp) {
        guard let address else { return }
        sweep(at: now)
        counts[.known(network(of: address), name)] = Count(windowStart: now, failures: 0)
    }

    private func failures(_ subject: Subject, at now: Timestamp) -> Int {
        guard let count = counts[subject], now - count.windowStart < settings.window else { return 0 }
        return count.failures
    }

    private mutating func count(_ subject: Subject, at now: Timestamp) {
        sweep(at: now)
        var count = counts[subject] ?? Count(windowStart: now, failures: 0)
        if now - count.windowStart >= settings.window { count = Count(windowStart: now, failures: 0) }
        count.failures += 1
        counts[subject] = count
    }

    private mutating func sweep(at now: Timestamp) {
        guard counts.count >= sweepAt else { return }
        counts = counts.filter { subject, count in
            let lifetime = if case .known = subject { FailureThrottle.knownLifetime } else { settings.window }
            return now - count.windowStart < lifetime
        }
        sweepAt = max(FailureThrottle.minSweep, counts.count * 2)
    }

    /// How long a client that authenticated is known to be no stranger.
    private static let knownLifetime = Duration.days(7)

    private func network(of address: IPAddress) -> IPNetwork {
        let address = address.unmapped
        let length = if case .v4 = address { settings.ipv4PrefixLength } else { settings.ipv6PrefixLength }
        return IPNetwork(containing: address, prefixLength: length)
    }
}

/// How many failures of authentication are borne.
public struct ThrottleSettings: Hashable, Sendable {
    /// The time that failures are counted over.
    public var window = Duration.minutes(10)
    /// Failures of one client, after which all its tries are refused for the rest of the window.
    public var maxFailuresPerClient = 20
    /// Failures with one name, after which only clients that have been in before may try it.
    public var maxFailuresPerName = 100
    /// Leading bits that make IPv4 addresses one client.
    public var ipv4PrefixLength = 32
    /// Leading bits that make IPv6 addresses one client.
    public var ipv6PrefixLength = 64

    /// The documented defaults.
    public init() {}
}

import Ports

/// Remembers for a while at which endpoints TLS fails, so that not every opportunistic message meets it first.
struct BrokenTLS {
    /// Endpoints that are remembered before those past their time are dropped.
    private static let sweepFloor = 256

    private var failures: [SocketEndpoint: (failure: TLSFailure, until: Timestamp)] = [:]
    private var nextSweep = BrokenTLS.sweepFloor

    /// How TLS failed there lately; nil when it did not.
    func failure(at endpoint: SocketEndpoint, now: Timestamp) -> TLSFailure? {
        guard !failures.isEmpty, let known = failures[endpoint], now < known.until else { return nil }
        return known.failure
    }

    /// TLS failed there.
    mutating func failed(_ failure: TLSFailure, at endpoint: SocketEndpoint, until: Timestamp, now: Timestamp) {
        failures[endpoint] = (failure, until)
        guard failures.count >= nextSweep else { return }
        failures = failures.filter { now < $0.value.until }
        nextSweep = max(BrokenTLS.sweepFloor, failures.count * 2)
    }
}

import Ports

/// Remembers for a while which hosts could not be used, so that not every message waits for a dead one first.
struct HostHealth {
    /// Hosts that are remembered before those past their time are dropped.
    private static let sweepFloor = 256

    private var avoidedUntil: [ConnectionKey: Timestamp] = [:]
    private var nextSweep = HostHealth.sweepFloor

    /// Whether nothing is held against any host.
    var isClean: Bool { avoidedUntil.isEmpty }

    /// Whether the host failed lately.
    func isAvoided(_ key: ConnectionKey, at now: Timestamp) -> Bool {
        guard let until = avoidedUntil[key] else { return false }
        return now < until
    }

    /// The host could not be used.
    mutating func failed(_ key: ConnectionKey, until: Timestamp, now: Timestamp) {
        avoidedUntil[key] = until
        guard avoidedUntil.count >= nextSweep else { return }
        avoidedUntil = avoidedUntil.filter { now < $0.value }
        nextSweep = max(HostHealth.sweepFloor, avoidedUntil.count * 2)
    }

    /// The host answered as it should.
    mutating func worked(_ key: ConnectionKey) {
        if !avoidedUntil.isEmpty { avoidedUntil[key] = nil }
    }
}

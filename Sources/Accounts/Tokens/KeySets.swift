import JWTKit
import Ports
import Synchronization

/// The key sets of issuers, read once for all who ask at a time, and again when they have become old or are doubted.
final class KeySets: Sendable {
    private struct Entry: Sendable {
        /// What was read at last; keys that were good once beat none.
        var keys: JWTKeyCollection?
        var read: Timestamp?
        /// When the source was asked at last, whatever came of it.
        var asked: Timestamp?
        var waiting: [@Sendable (JWTKeyCollection?) -> Void] = []
    }

    private let source: KeySetSource
    private let lifetime: Duration
    private let entries = Mutex<[String: Entry]>([:])

    /// Keys are looked for again after this time at the earliest, lest every false token cause a fetch.
    static let minRefresh = Duration.minutes(1)
    /// The same while there are none at all.
    private static let minRetry = Duration.seconds(5)

    /// Keys from `source`; those that were fetched are good for `lifetime`.
    init(source: KeySetSource, lifetime: Duration) {
        self.source = source
        self.lifetime = lifetime
    }

    /// The keys of an issuer; nil where there are none to be had. Calls back once, on any thread.
    ///
    /// - Parameter doubted: keys that did not verify a token: others are looked for, as issuers change theirs.
    func keys(of issuer: TokenIssuer, at now: Timestamp, doubted: JWTKeyCollection? = nil,
              completion: @escaping @Sendable (JWTKeyCollection?) -> Void) {
        enum Step { case answer(JWTKeyCollection?), read, wait }
        let step: Step = entries.withLock { entries in
            var entry = entries[issuer.issuer] ?? Entry()
            let isFresh = if let keys = entry.keys, let read = entry.read {
                doubted.map { $0 !== keys } ?? (now - read < lifetime(of: issuer))
            } else {
                false
            }
            if isFresh { return .answer(entry.keys) }
            if !entry.waiting.isEmpty {
                entry.waiting.append(completion)
                entries[issuer.issuer] = entry
                return .wait
            }
            if let asked = entry.asked, now - asked < (entry.keys == nil ? KeySets.minRetry : KeySets.minRefresh) { return .answer(entry.keys) }
            entry.asked = now
            entry.waiting = [completion]
            entries[issuer.issuer] = entry
            return .read
        }
        switch step {
        case .answer(let keys): completion(keys)
        case .wait: break
        case .read: read(issuer, at: now)
        }
    }

    private func read(_ issuer: TokenIssuer, at now: Timestamp) {
        source.read(issuer) { [self] document in
            guard let document else { return finish(issuer, nil, at: now) }
            TokenVerifier.load(document) { [self] keys in finish(issuer, keys, at: now) }
        }
    }

    private func finish(_ issuer: TokenIssuer, _ keys: JWTKeyCollection?, at now: Timestamp) {
        let (waiting, known) = entries.withLock { entries in
            var entry = entries[issuer.issuer] ?? Entry()
            if let keys { (entry.keys, entry.read) = (keys, now) }
            let waiting = entry.waiting
            entry.waiting = []
            entries[issuer.issuer] = entry
            return (waiting, entry.keys)
        }
        for completion in waiting { completion(known) }
    }

    private func lifetime(of issuer: TokenIssuer) -> Duration {
        switch issuer.keys {
        case .file: KeySets.minRefresh
        case .url: lifetime
        }
    }
}

import Cryptography
import Ports
import SMTP
import Synchronization

/// Remembers for a short time which passwords were right, so that a client that connects for every message does not cost a slow hash each time.
///
/// It holds no password: only codes of name, stored hash and password under a key that dies with the
/// process. A changed password has another stored hash, and so another code. What was wrong is never remembered.
final class VerificationCache: Sendable {
    private struct State {
        var ends: [[UInt8]: Timestamp] = [:]
    }

    private let key: [UInt8]
    private let lifetime: Duration
    private let entriesMax: Int
    private let state = Mutex(State())

    init(lifetime: Duration, entriesMax: Int, secrets: SecretSource) {
        key = secrets.octets(32)
        self.lifetime = lifetime
        self.entriesMax = entriesMax
    }

    /// Whether this password was right not long ago.
    func holds(_ password: Secret, of name: AccountName, against hash: PasswordHash, at now: Timestamp) -> Bool {
        let code = code(password, name, hash)
        return state.withLock { state in
            guard let end = state.ends[code] else { return false }
            if now < end { return true }
            state.ends[code] = nil
            return false
        }
    }

    /// Notes that this password is right.
    func insert(_ password: Secret, of name: AccountName, against hash: PasswordHash, at now: Timestamp) {
        guard lifetime > .zero, entriesMax > 0 else { return }
        let code = code(password, name, hash)
        state.withLock { state in
            if state.ends.count >= entriesMax {
                state.ends = state.ends.filter { now < $0.value }
                // Full of what is fresh: starting over costs one slow hash each.
                if state.ends.count >= entriesMax { state.ends = [:] }
            }
            state.ends[code] = now + lifetime
        }
    }

    private func code(_ password: Secret, _ name: AccountName, _ hash: PasswordHash) -> [UInt8] {
        // Neither name nor hash can hold a NUL, so no two triples give one message.
        HMAC.code(of: Array(name.description.utf8) + [0] + Array(hash.text.utf8) + [0] + password.octets, key: key, with: .sha256)
    }
}

import MessageFormat
import Ports
import SMTP
import Synchronization

extension PolicySession {
    /// Whether it matters for whom SPF lets the client send.
    var asksForAuthorisation: Bool { settings.greylist.mode != .off && isStranger && account == nil }

    /// Puts off who is not known yet.
    func checkGreylist(_ path: ForwardPath) -> Outcome {
        let rule = settings.greylist
        guard rule.mode != .off, !isTrustedByLists, let address = client.address, let recipient = path.address else { return .pass }
        let pool = ClientPool(address, name: clientName.confirmed, authorisedBy: authorisedDomain)
        let sender = mail?.reversePath.address?.description ?? "<>"
        let now = loop.now
        let answer = engine.tables.withLock { $0.greylist.attempt(pool, from: sender, to: recipient.description, under: rule, at: now) }
        switch answer {
        case .known: return .pass
        case .passed(let after):
            note("greylist", "\(pool) came again after \(after.clampedNanoseconds / 1_000_000_000) s")
            return .pass
        case .new: return putOff(pool, "is new", rule.delay)
        case .tooEarly(let left): return putOff(pool, "came again too early", left)
        }
    }

    private func putOff(_ pool: ClientPool, _ what: String, _ left: Duration) -> Outcome {
        let seconds = max(1, left.clampedNanoseconds / 1_000_000_000)
        return judge(settings.greylist.mode, "greylist", saw: "\(pool) \(what)",
                     .reject(Reply(450, .init(4, 7, 1), "Greylisted, try again in \(seconds) seconds")))
    }
}

import Ports
import SMTP
import Synchronization

extension PolicySession {
    /// Turns away who guessed too often a while ago.
    func checkPenalty() -> Outcome {
        guard settings.dictionary.mode != .off, let address = client.address else { return .pass }
        let network = LimitSubjects.client(address)
        guard let left = engine.penalty(of: network, at: loop.now) else { return .pass }
        return judge(settings.dictionary.mode, "dictionary", saw: "\(network) turned away for \(left.clampedNanoseconds / 1_000_000_000) s",
                     .close(.turnedAway))
    }

    /// A recipient was named that does not exist; the answer ends the session when it was one too many.
    func recipientUnknown() -> Verdict? {
        let rule = settings.dictionary
        guard rule.mode != .off, isStranger, account == nil, let address = client.address else { return nil }
        let network = LimitSubjects.client(address)
        let total = engine.guessed(network, under: rule, at: loop.now)
        guard total > rule.max else { return nil }
        guard case .refuse(let verdict) = judge(rule.mode, "dictionary", saw: "\(total) unknown recipients from \(network)",
                                                .close(.tooManyUnknownRecipients)) else { return nil }
        return verdict
    }
}

extension PolicyEngine {
    /// How long `network` is still turned away; nil when it is not.
    func penalty(of network: IPNetwork, at now: Timestamp) -> Duration? {
        tables.withLock { tables in
            guard let until = tables.penalties[network] else { return nil }
            if until > now { return until - now }
            tables.penalties[network] = nil
            return nil
        }
    }

    /// Counts an unknown recipient, and turns the client away from now on when it was one too many; tells how many there were.
    func guessed(_ network: IPNetwork, under rule: DictionaryRule, at now: Timestamp) -> Int {
        // As a limit of a name of its own, so that windows slide in one place.
        let limit = LimitRule(name: "dictionary", mode: rule.mode, measure: .recipients, subject: .client, max: rule.max, window: rule.window)
        return tables.withLock { tables in
            tables.guesses.add(1, limit, .network(network), at: now)
            let total = tables.guesses.total(limit, .network(network), at: now)
            if total > rule.max, rule.mode == .enforce { tables.penalties[network] = now + rule.penalty }
            return total
        }
    }
}

import Events
import Ports
import SMTP
import Synchronization

// MARK: - Early talkers

extension PolicySession {
    /// Keeps the greeting back to see whether the client waits for it.
    func checkEarlyTalker() -> Outcome {
        let rule = settings.earlyTalker
        guard rule.mode != .off else { return .pass }
        if hasSpoken { return judgeEarlyTalker() }
        guard rule.greetingDelay > .zero else { return .pass }
        isGreetingDelayed = true
        wait(until: loop.now + rule.greetingDelay) { session in
            session.isGreetingDelayed = false
            return .pass
        }
        return .later
    }

    /// Whether input is waited for that should not come.
    var isListeningEarly: Bool { isGreetingDelayed && !hasSpoken }

    /// The client has sent something.
    func clientSpoke() {
        guard isGreetingDelayed, !hasSpoken else { return }
        hasSpoken = true
        let outcome = judgeEarlyTalker()
        guard case .refuse = outcome else { return }
        isGreetingDelayed = false
        finish(outcome, turn: turn)
    }

    private func judgeEarlyTalker() -> Outcome {
        isSuspect = true
        return judge(settings.earlyTalker.mode, "earlyTalker", saw: "input before the greeting", .close(.spokeTooSoon))
    }
}

// MARK: - The tarpit

extension PolicySession {
    /// Keeps back the answer to a recipient of a client that a rule has seen something of; whether it does.
    func isTarpitted(_ verdict: Verdict) -> Bool {
        let rule = settings.tarpit
        guard rule.mode != .off, isStranger, account == nil, rule.delay > .zero else { return false }
        switch verdict {
        case .accept: guard isSuspect else { return false }
        // Who is to come again is told so at once.
        case .reject(let reply): guard reply.isPermanent else { return false }
        case .close: return false
        }
        note(RuleFinding(rule: "tarpit", effect: rule.mode == .enforce ? .enforced : .observed, saw: "answers to RCPT"))
        guard rule.mode == .enforce, engine.enterTarpit(max: rule.maxWaiting) else { return false }
        isInTarpit = true
        return true
    }

    /// Lets the answer go.
    func leaveTarpit() {
        guard isInTarpit else { return }
        isInTarpit = false
        engine.tables.withLock { $0.tarpitted -= 1 }
    }
}

extension PolicyEngine {
    fileprivate func enterTarpit(max: Int) -> Bool {
        tables.withLock { tables in
            guard tables.tarpitted < max else { return false }
            tables.tarpitted += 1
            return true
        }
    }
}

import MessageFormat
import Ports
import SMTP
import Synchronization

extension PolicySession {
    /// Asks the next hop whether it knows a relayed recipient.
    func checkRelayedRecipient(_ path: ForwardPath) -> Outcome {
        guard let recipient = path.address, isRelayed(recipient) else { return .pass }
        return verify(recipient, .recipient, under: settings.recipientVerification)
    }

    /// Asks the sender's host whether it takes mail for the sender.
    func checkSender() -> Outcome {
        guard let sender = mail?.reversePath.address else { return .pass }
        return verify(sender, .sender, under: settings.senderVerification)
    }

    private func verify(_ address: EmailAddress, _ kind: VerificationKind, under rule: VerificationRule) -> Outcome {
        guard rule.mode != .off, let verifier = engine.verifier else { return .pass }
        let key = VerificationKey(kind: kind, address: address)
        if let standing = engine.standing(of: key, at: loop.now) { return verdict(standing, key, rule) }
        let session = LoopConfined(self, to: loop)
        let engine = engine, turn = turn, loop = loop
        verifier.verify(address, on: loop) { standing in
            // Kept even when the client has gone: the next one asks the same.
            engine.keep(standing, of: key, under: rule, at: loop.now)
            let session = session.value
            guard session.turn == turn, session.isVerifying else { return }
            session.isVerifying = false
            session.finish(session.verdict(standing, key, rule), turn: turn)
        }
        isVerifying = true
        wait(until: loop.now + rule.timeout) { session in
            guard session.isVerifying else { return nil }
            session.isVerifying = false
            return session.verdict(.unknown("no answer in time"), key, rule)
        }
        return .later
    }

    private func verdict(_ standing: AddressStanding, _ key: VerificationKey, _ rule: VerificationRule) -> Outcome {
        let name = key.kind == .recipient ? "recipientVerification" : "senderVerification"
        switch standing {
        case .good: return .pass
        case .unknown(let why):
            note(name, "\(key.address): \(why)")
            return .pass
        case .bad(let reply):
            let own: Reply = key.kind == .recipient ? .unknownRecipient : .senderRefusedByItsHost
            let outcome = judge(rule.mode, name, saw: "\(key.address): \(reply.code) \(reply.text)", .reject(own))
            // A guess at a relayed domain is as much of a guess as one at a local domain.
            if key.kind == .recipient, case .refuse = outcome, let verdict = recipientUnknown() { return .refuse(verdict) }
            return outcome
        }
    }
}

extension PolicyEngine {
    fileprivate func standing(of key: VerificationKey, at now: Timestamp) -> AddressStanding? {
        tables.withLock { tables in
            guard let entry = tables.verified[key], entry.expiry > now else { return nil }
            return entry.standing
        }
    }

    fileprivate func keep(_ standing: AddressStanding, of key: VerificationKey, under rule: VerificationRule, at now: Timestamp) {
        let lifetime: Duration? = switch standing {
        case .good: rule.goodLifetime
        case .bad: rule.badLifetime
        case .unknown: nil
        }
        guard let lifetime else { return }
        tables.withLock { $0.verified[key] = VerificationEntry(standing: standing, expiry: now + lifetime) }
    }
}

import Events
import MailQueue
import MessageFormat
import Ports
import Synchronization

extension PolicyEngine {
    /// Hears how the recipients of a message ended, for the share of bounces of its account.
    public func recorded(_ event: MailEvent, envelope: Envelope?) {
        guard case .attempted(let attempt) = event.detail, let account = envelope?.origin.account else { return }
        var ended = 0, bounced = 0
        for result in attempt.results where result.outcome.isFinal {
            ended += 1
            switch result.outcome {
            case .bounced, .expired: bounced += 1
            case .delivered, .relayed, .deferred: break
            }
        }
        guard ended > 0 else { return }
        tables.withLock { $0.accounts.count(ended: ended, bounced: bounced, of: account, at: event.time) }
    }

    /// What greylisting and the breaker know, in octets for a file; `restore` reads it.
    public var snapshot: [UInt8] {
        let (greylist, accounts) = tables.withLock { ($0.greylist, $0.accounts) }
        var bytes = greylist.snapshot
        for fingerprint in accounts.fingerprints { GreylistTable.append(UInt8(ascii: "k"), fingerprint, 0, 0, 0, to: &bytes) }
        return bytes
    }

    /// Takes over what `snapshot` gave in an earlier life; damaged octets are passed over.
    public func restore(_ snapshot: [UInt8]) {
        tables.withLock { tables in
            tables.greylist.restore(snapshot[...]) { tables.accounts.restore($0) }
        }
    }
}

extension PolicySession {
    /// Why a message of the account that is logged in must be held; nil when it need not be.
    func holdReason(for recipients: [EmailAddress]) -> HoldReason? {
        let rule = settings.breaker
        guard rule.mode != .off, let account else { return nil }
        let now = loop.now
        let unusual = engine.tables.withLock { $0.accounts.unusual(account, recipients, under: rule, at: now) }
        guard let unusual else { return nil }
        note(RuleFinding(rule: "breaker", effect: rule.mode == .enforce ? .enforced : .observed, saw: unusual))
        return rule.mode == .enforce ? .account : nil
    }
}

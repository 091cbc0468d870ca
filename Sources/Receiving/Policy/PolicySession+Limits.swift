import MessageFormat
import Ports
import SMTP

extension PolicySession {
    /// Whom limits by client and network mean: strangers only.
    var clientSubjects: LimitSubjects {
        LimitSubjects(address: isStranger && account == nil ? client.address : nil, account: account)
    }

    func checkConnection() -> Outcome {
        let subjects = clientSubjects
        let found = engine.exceeded(1, of: [.connections, .connectionRate], by: subjects, under: settings.limits, at: loop.now)
            + engine.exceeded(0, of: [.authFailures, .errors], by: subjects, under: settings.limits, at: loop.now)
        isCounted = true
        engine.count(1, of: .connections, by: subjects, under: settings.limits, at: loop.now)
        engine.count(1, of: .connectionRate, by: subjects, under: settings.limits, at: loop.now)
        return refuse(found)
    }

    func checkTransaction() -> Outcome {
        var subjects = clientSubjects
        subjects.sender = mail?.reversePath.address.map(\.description)
        return refuse(engine.exceeded(1, of: [.messages], by: subjects, under: settings.limits, at: loop.now)
            + engine.exceeded(mail?.parameters.size ?? 0, of: [.bytes], by: subjects, under: settings.limits, at: loop.now))
    }

    func checkRecipient(_ path: ForwardPath) -> Outcome {
        var subjects = clientSubjects
        subjects.sender = mail?.reversePath.address.map(\.description)
        let found = engine.exceeded(1, of: [.recipients], by: subjects, under: settings.limits, at: loop.now)
        let address = path.address.map(\.description)
        return refuse(found + engine.exceeded(1, of: [.messages, .bytes], by: LimitSubjects(recipient: address),
                                              under: settings.limits, at: loop.now))
    }

    private func refuse(_ found: [(rule: LimitRule, saw: String)]) -> Outcome {
        var outcome = Outcome.pass
        for (rule, saw) in found {
            let judged = judge(rule.mode, rule.id, saw: saw, rule.verdict)
            if case .pass = outcome { outcome = judged }
        }
        return outcome
    }

    /// A recipient was accepted.
    func recipientTaken() {
        var subjects = clientSubjects
        subjects.sender = mail?.reversePath.address.map(\.description)
        engine.count(1, of: .recipients, by: subjects, under: settings.limits, at: loop.now)
    }

    /// A message of this length was accepted for these recipients.
    func messageTaken(octets: Int, recipients: [EmailAddress]) {
        var subjects = clientSubjects
        subjects.sender = mail?.reversePath.address.map(\.description)
        let now = loop.now
        engine.count(1, of: .messages, by: subjects, under: settings.limits, at: now)
        engine.count(octets, of: .bytes, by: subjects, under: settings.limits, at: now)
        guard settings.limits.contains(where: { $0.subject == .recipient && $0.mode != .off }) else { return }
        for recipient in recipients {
            let subject = LimitSubjects(recipient: recipient.description)
            engine.count(1, of: .messages, by: subject, under: settings.limits, at: now)
            engine.count(octets, of: .bytes, by: subject, under: settings.limits, at: now)
        }
    }

    /// An authentication failed; the answer is a verdict that ends the session when it was one too many.
    func authenticationFailed() -> Verdict? {
        engine.count(1, of: .authFailures, by: clientSubjects, under: settings.limits, at: loop.now)
        let found = engine.exceeded(0, of: [.authFailures], by: clientSubjects, under: settings.limits, at: loop.now)
        guard case .refuse(let verdict) = refuse(found) else { return nil }
        return verdict
    }
}

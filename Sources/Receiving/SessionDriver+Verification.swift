import MailAuth
import MessageFormat
import Ports
import SMTP

// MARK: - On whose behalf a message comes

extension SessionDriver {
    /// Answers a question when what SPF says of the sender is known, where that decides; nil when the answer comes later.
    func answer(to question: Question) -> Verdict? {
        switch question {
        case .connect, .hello, .authenticate: break
        case .mail(let mail): beginVerification(mail)
        case .recipient(let recipient):
            if policy.rules.isExpired(recipient.forwardPath, at: loop.now) {
                note(.refused(.unknownRecipient, .recipient(recipient)))
                return .reject(.unknownRecipient)
            }
            guard let verifier, verifier.decidesRecipients || rules?.asksForAuthorisation == true else { break }
            guard verifier.isEnvelopeKnown else {
                verifier.whenEnvelopeKnown { [self] in envelopeKnown(verifier, question) }
                return nil
            }
            rules?.authorisedDomain = verifier.authorisedDomain
            guard let refusal = verifier.recipientRefusal else { break }
            note(.refused(refusal, .recipient(recipient)))
            return .reject(refusal)
        }
        return verdict(on: question)
    }

    private func envelopeKnown(_ verifier: MessageVerifier, _ question: Question) {
        guard connection != nil, self.verifier === verifier, let verdict = answer(to: question) else { return }
        session.decided(verdict)
        run()
    }

    /// Begins to verify the sender of a transaction; those who may relay are our own, and say who they are in other ways.
    private func beginVerification(_ mail: MailCommand) {
        verifier = nil
        guard let settings = policy.verification, let resolver = service.resolver, let client = session.identity.address,
              !policy.rules.mayRelay(session.identity) else { return }
        let verifier = MessageVerifier(settings, client: client, helo: session.helloName ?? "", reversePath: mail.reversePath,
                                       resolver: resolver, on: loop)
        self.verifier = verifier
        verifier.begin()
    }

    /// A part of a large message, hashed, and without what only we may write.
    func inspected(_ part: [UInt8]) -> [UInt8] {
        guard let verifier else { return part }
        verifier.receive(part)
        guard stream == nil else { return part }
        var part = part
        ForgedResults.remove(from: &part, service: verifier.settings.service)
        return part
    }

    /// Hands a whole message on when it is known on whose behalf it comes.
    func verify(_ message: ReceivedMessage) {
        guard let verifier else { return commit(message) }
        self.verifier = nil
        verifier.receive(message.body)
        verifier.finish { [self] verdict in
            // A client that has gone away was never told that its message is here.
            guard connection != nil else { return }
            conclude(message, verdict, verifier.settings)
        }
    }

    private func conclude(_ message: ReceivedMessage, _ verdict: MessageVerdict, _ settings: VerificationSettings) {
        if case .reject(let reply) = verdict.disposition {
            abandonStream()
            note(.messageRefused(reply, message.mail))
            session.committed(.all(reply))
            return run()
        }
        var message = message
        if stream == nil { ForgedResults.remove(from: &message.body, service: settings.service) }
        commit(message, verdict)
    }
}

import MessageFormat
import Ports
import SMTP

// MARK: - Who the client is

extension SessionDriver {
    /// An exchange of AUTH, and whom it led to.
    struct Authentication {
        /// The number of the exchange that the authenticator may still hold something for.
        var exchange: UInt64?
        /// The account that the client has proved to be.
        var account: AuthenticatedAccount?
    }

    /// Asks who the client is; the answer comes later.
    func authenticate(_ request: AuthenticationRequest) {
        guard let submission = policy.submission else { return session.authenticated(.unavailable) }
        let exchange: UInt64
        switch request {
        case .proof, .response: exchange = authentication.exchange ?? service.nextExchange()
        case .password, .keys, .token, .certificate, .begin:
            abandonExchange()
            exchange = service.nextExchange()
        }
        authentication.exchange = exchange
        let attempt = AuthenticationAttempt(request, client: session.identity, listener: policy.name, isTLS: session.isTLS, exchange: exchange)
        let driver = LoopConfined(self, to: loop)
        submission.authenticator.authenticate(attempt, on: loop) { answer in
            driver.value.authenticated(answer, request, exchange)
        }
    }

    private func authenticated(_ answer: AuthenticationAnswer, _ request: AuthenticationRequest, _ exchange: UInt64) {
        guard connection != nil, authentication.exchange == exchange else { return }
        let mechanism = session.mechanism?.rawValue ?? ""
        var answer = answer
        switch answer {
        case .accepted(let account):
            authentication = Authentication(account: account)
            note(.authenticated(account, mechanism: mechanism))
        case .refused, .close:
            note(.authenticationFailed(name: request.name, mechanism: mechanism))
            if case .close(let reply)? = rules?.authenticationFailed() { answer = .close(reply) }
        case .unavailable: note(.authenticationUnavailable(mechanism: mechanism))
        case .keys, .challenge: break
        }
        session.authenticated(answer)
        run()
    }

    /// Lets go of an exchange that came to no end.
    func abandonExchange() {
        guard let exchange = authentication.exchange else { return }
        authentication.exchange = nil
        policy.submission?.authenticator.abandon(exchange)
    }
}

// MARK: - What an account may do

extension SessionDriver {
    /// The account that the client has proved to be.
    ///
    /// A login that a trusted front end tells by XCLIENT was proved to it, and so was what it may send from.
    var account: AuthenticatedAccount? {
        guard let account = authentication.account, account.name == session.identity.login else { return nil }
        return account
    }

    /// Whether the client has to say who he is before he sends; after XCLIENT, the client that it named.
    var mustAuthenticate: Bool {
        policy.profile.settings.authentication?.use == .required && session.identity.login == nil && !policy.rules.mayRelay(session.identity)
    }

    /// Why the account may not send from this reverse-path; nil when it may.
    func refusal(of reversePath: ReversePath) -> Reply? {
        guard let submission = policy.submission, submission.reversePath != .off, let account,
              // A report comes from nobody, whoever sends it.
              let address = reversePath.address, !account.senders.match(address) else { return nil }
        note(.senderMismatch(SenderMismatch(account: account.name, address: address, place: .reversePath), submission.reversePath))
        return submission.reversePath == .enforce ? .senderNotOwned : nil
    }
}

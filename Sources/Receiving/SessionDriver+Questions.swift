import MessageFormat
import Ports
import SMTP

extension SessionDriver {
    /// Answers the session by the rules of the listener; nil when the answer comes later.
    func verdict(on question: Question) -> Verdict? {
        switch question {
        case .connect:
            let verdict = connectionVerdict
            note(verdict, .connection)
            return verdict
        case .hello:
            return .accept
        case .mail:
            guard case .pending(let until, _) = clientName else { return .accept }
            clientName = .pending(until: until, isAwaited: true)
            armTimer(at: until)
            return nil
        case .recipient(let recipient):
            let verdict = policy.rules.verdict(on: recipient.forwardPath, mayRelay: policy.rules.mayRelay(session.identity))
            note(verdict, .recipient(recipient))
            return verdict
        }
    }

    private func note(_ verdict: Verdict, _ command: RefusedCommand) {
        switch verdict {
        case .accept: break
        case .reject(let reply), .close(let reply): note(.refused(reply, command))
        }
    }
}

// MARK: - The name of the client

extension SessionDriver {
    /// Starts to look up the client's name; it is needed at MAIL only, so that greeting and EHLO do not wait.
    func lookUpName(of client: ClientIdentity, under settings: ReceivingSettings) {
        guard settings.clientNames == .lookedUp, let resolver = service.resolver,
              let address = client.address, !address.isLoopback else { return }
        clientName = .pending(until: loop.now + settings.clientNameTimeout, isAwaited: false)
        let driver = LoopConfined(self, to: loop)
        ClientNameLookup.find(address, resolver, on: loop) { name in
            driver.value.nameFound(name.map { ($0, client.endpoint) })
        }
    }

    /// Notes the name, and answers MAIL if it waits.
    func nameFound(_ found: (name: String, endpoint: SocketEndpoint)?) {
        guard case .pending(_, let isAwaited) = clientName else { return }
        clientName = found.map { .known($0.name, $0.endpoint) } ?? .none
        guard isAwaited else { return }
        session.decided(.accept)
        run()
    }

    /// The verified name of the client that the session is with now.
    var verifiedClientName: String? {
        if let name = session.identity.name { return name }
        // After XCLIENT the session is with another client than the one that was looked up.
        guard case .known(let name, let endpoint) = clientName, endpoint == session.identity.endpoint else { return nil }
        return name
    }
}

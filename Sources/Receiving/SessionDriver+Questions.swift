import MessageFormat
import Ports
import SMTP

extension SessionDriver {
    /// Answers the session by the rules of the listener; nil when the answer comes later.
    func verdict(on question: Question) -> Verdict? {
        switch question {
        case .connect(let client):
            meet(client)
            return judged(question, connectionVerdict)
        case .hello:
            return judged(question, .accept)
        case .mail(let mail):
            if mustAuthenticate { return settled(question, .reject(.authenticationRequired)) }
            if let refusal = refusal(of: mail.reversePath) { return settled(question, .reject(refusal)) }
            if session.identity.login != nil { meet(session.identity) }
            guard case .pending(let until, _) = clientName else { return judged(question, .accept) }
            clientName = .pending(until: until, awaitedBy: question)
            armTimer(at: until)
            return nil
        case .authenticate(let request):
            authenticate(request)
            return nil
        case .recipient(let recipient):
            return judged(question, policy.rules.verdict(on: recipient.forwardPath, mayRelay: policy.rules.mayRelay(session.identity)))
        }
    }

    /// The listener's own verdict, or that of the rules against abuse where it has no objection; nil when that comes later.
    private func judged(_ question: Question, _ verdict: Verdict) -> Verdict? {
        guard let rules else { return settled(question, verdict) }
        if case .connect = question {
            // A client that has no room is not asked more.
            guard case .accept = verdict else { return settled(question, verdict) }
        }
        if case .known(let finding, let endpoint) = clientName, endpoint == session.identity.endpoint { rules.clientName = finding }
        let driver = LoopConfined(self, to: loop)
        let answer = rules.answer(question, proposed: verdict) { verdict in driver.value.decided(question, verdict) }
        return answer.map { settled(question, $0) }
    }

    /// Gives the session an answer that was waited for.
    private func decided(_ question: Question, _ verdict: Verdict) {
        session.decided(settled(question, verdict))
        run()
    }

    /// Notes what an answer means.
    private func settled(_ question: Question, _ verdict: Verdict) -> Verdict {
        switch verdict {
        case .accept:
            if case .recipient = question { rules?.recipientTaken() }
        case .reject(let reply), .close(let reply):
            let command: RefusedCommand? = switch question {
            case .connect: .connection
            case .hello: .hello
            case .mail(let command): .mail(command)
            case .recipient(let command): .recipient(command)
            case .authenticate: nil
            }
            if let command { note(.refused(reply, command, by: rules?.reason)) }
        }
        return verdict
    }

    /// Begins anew with the rules against abuse when the session is with another client, or one that has logged in.
    private func meet(_ client: ClientIdentity) {
        if let rules {
            guard rules.client.address != client.address else {
                rules.account = client.login
                return
            }
            rules.end(errors: 0)
        }
        rules = nil
        guard let settings = policy.policy else { return }
        let isStranger = !policy.rules.mayRelay(ClientIdentity(endpoint: client.endpoint, localEndpoint: client.localEndpoint))
        guard isStranger || client.login != nil else { return }
        let addresses = policy.rules
        let rules = PolicySession(service.engine, settings, client: client, isStranger: isStranger, on: loop, resolver: service.resolver,
                                  isRelayed: { addresses.directory.finding(for: $0) == .relayed })
        rules.hasSpoken = hasSpokenEarly
        hasSpokenEarly = false
        self.rules = rules
    }
}

// MARK: - The name of the client

extension SessionDriver {
    /// Starts to look up the client's name; it is needed at MAIL only, so that greeting and EHLO do not wait.
    func lookUpName(of client: ClientIdentity, under settings: ReceivingSettings) {
        guard settings.clientNames == .lookedUp, let resolver = service.resolver,
              let address = client.address, !address.isLoopback else { return }
        clientName = .pending(until: loop.now + settings.clientNameTimeout, awaitedBy: nil)
        let driver = LoopConfined(self, to: loop)
        ClientNameLookup.find(address, resolver, on: loop) { finding in driver.value.nameFound(finding, of: client.endpoint) }
    }

    /// Notes the name, and answers MAIL if it waits.
    func nameFound(_ finding: ClientNameFinding, of endpoint: SocketEndpoint) {
        guard case .pending(_, let question) = clientName else { return }
        clientName = .known(finding, endpoint)
        guard let question, let verdict = judged(question, .accept) else { return }
        session.decided(verdict)
        run()
    }

    /// The verified name of the client that the session is with now.
    var verifiedClientName: String? {
        if let name = session.identity.name { return name }
        // After XCLIENT the session is with another client than the one that was looked up.
        guard case .known(let finding, let endpoint) = clientName, endpoint == session.identity.endpoint else { return nil }
        return finding.confirmed
    }
}

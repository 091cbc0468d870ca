import Events
import MailQueue
import MessageFormat
import Ports
import SMTP

extension SessionDriver {
    /// Puts a part of a large message into the log; the next is read when it is there.
    func store(_ part: [UInt8]) {
        var stream = self.stream ?? newStream(part)
        stream.digest?.receive(part.dropFirst(stream.octets == 0 ? stream.header.count : 0))
        stream.octets += part.count
        self.stream = stream
        let id = stream.id
        let driver = LoopConfined(self, to: loop)
        service.intake.appendChunk(id, part, replyOn: loop) { result in driver.value.stored(id, result) }
    }

    private func newStream(_ part: [UInt8]) -> Stream {
        let digest = policy.cleanup.bodyDigest(of: authorship, isVerified: verifier != nil)
        return Stream(id: service.mint.next(), header: SessionDriver.header(of: part), digest: digest)
    }

    /// Whether the relay answers for what this client sends.
    private var authorship: Authorship { policy.rules.mayRelay(session.identity) ? .own : .foreign }

    private func stored(_ id: QueueID, _ result: ChunkResult) {
        guard stream?.id == id else { return }
        switch result {
        case .taken: session.chunkTaken()
        case .refused(let refusal):
            abandonStream()
            session.chunkRefused(refusal.reply)
        }
        run()
    }

    /// Forgets the parts of a message that will not be accepted.
    func abandonStream() {
        guard let stream else { return }
        self.stream = nil
        service.intake.abandon(stream.id)
    }

    /// Hands a whole message to the queue; only its word makes the 250.
    func commit(_ message: ReceivedMessage, _ verdict: MessageVerdict? = nil) {
        let stream = self.stream
        self.stream = nil
        let id = stream?.id ?? service.mint.next()
        if let refusal = refusal(ofHeader: stream?.header ?? message.body) {
            if stream != nil { service.intake.abandon(id) }
            return refuse(message.mail, refusal)
        }
        // Before the envelope, which tells what the rules saw.
        let hold = rules?.holdReason(for: message.recipients.map { policy.rules.address(of: $0.forwardPath) })
        var envelope = envelope(of: message)
        envelope.verification = verdict?.summary
        var incoming = IncomingMessage(
            id: id, envelope: envelope, body: message.body, chunkedSize: UInt64(stream?.octets ?? 0),
            firstChunk: stream?.header, receivedCount: message.receivedCount, completion: policy.completion,
            resultFields: verdict?.fields ?? [], hold: verdict?.hold)
        incoming.senderPublishesSPF = verdict?.senderPublishesSPF
        incoming.chain = verdict?.chain
        incoming.authorship = authorship
        if let digest = stream?.digest {
            digest.receive(message.body[...])
            incoming.bodyHash = digest.finish()
        }
        do {
            var submission = try policy.cleanup.prepare(incoming)
            if let hold { submission.hold = hold }
            let driver = LoopConfined(self, to: loop)
            let mail = message.mail, octets = message.octets
            let recipients = rules == nil ? [] : submission.envelope.recipients.map(\.address)
            service.intake.accept(submission, replyOn: loop) { result in
                if case .accepted = result { driver.value.rules?.messageTaken(octets: octets, recipients: recipients) }
                driver.value.committed(result, mail)
            }
        } catch {
            if stream != nil { service.intake.abandon(id) }
            refuse(message.mail, error.reply)
        }
    }

    private func refuse(_ mail: MailCommand, _ reply: Reply) {
        note(.messageRefused(reply, mail))
        session.committed(.all(reply))
        run()
    }

    private func committed(_ result: AcceptResult, _ mail: MailCommand) {
        switch result {
        case .accepted(let id):
            messageCount += 1
            session.committed(.all(Reply(250, .init(2, 0, 0), "Queued as \(id)")))
        case .refused(let refusal):
            note(.messageRefused(refusal.reply, mail))
            session.committed(.all(refusal.reply))
        }
        run()
    }

    private func envelope(of message: ReceivedMessage) -> Envelope {
        let parameters = message.mail.parameters
        var envelope = Envelope(
            reversePath: message.mail.reversePath, recipients: recipients(of: message), arrival: loop.now,
            body: parameters.body ?? .sevenBit, smtpUTF8: parameters.smtpUTF8, requireTLS: parameters.requireTLS,
            returnContent: parameters.ret, envelopeID: parameters.envelopeID, origin: origin(of: message),
            content: SessionDriver.facts(of: message))
        if let rules { envelope.findings = rules.findings }
        return envelope
    }

    /// The recipients, each address once: a client that names one twice does not mean two copies.
    private func recipients(of message: ReceivedMessage) -> [Recipient] {
        var recipients: [Recipient] = []
        recipients.reserveCapacity(message.recipients.count)
        var seen: Set<EmailAddress> = []
        for command in message.recipients {
            let address = policy.rules.address(of: command.forwardPath)
            if message.recipients.count > 1, !seen.insert(address).inserted { continue }
            recipients.append(Recipient(address: address, originalRecipient: command.parameters.originalRecipient,
                                        notify: command.parameters.notify))
        }
        return recipients
    }

    private func origin(of message: ReceivedMessage) -> Origin {
        let identity = session.identity
        var origin = Origin(clientAddress: identity.address, clientName: verifiedClientName, helo: message.helloName,
                            transmission: message.protocolName, listener: policy.name, account: identity.login,
                            userID: connection?.peerUserID, tls: session.tls?.version.description)
        if let forwarded = message.forwarded { origin.forwarded = forwarded.facts }
        return origin
    }

    private static func facts(of message: ReceivedMessage) -> ContentFacts {
        var facts: ContentFacts = []
        if message.findings.contains(.eightBit) { facts.insert(.eightBitBody) }
        if message.findings.contains(.longLine) { facts.insert(.longLines) }
        if !message.findings.isDisjoint(with: [.bareCR, .bareLF, .nul, .unfinishedLine]) { facts.insert(.binary) }
        return facts
    }

    /// The header section at the start of a message.
    private static func header(of part: [UInt8]) -> [UInt8] {
        guard let section = try? HeaderSection(scanning: part) else { return [] }
        return Array(part[..<section.bodyStart])
    }
}

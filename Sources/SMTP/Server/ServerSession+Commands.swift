import MessageFormat
import Ports

extension ServerSession {
    /// Does what a command says; nil to go on at once.
    mutating func perform(_ parsed: Parsed) -> ServerAction? {
        switch parsed {
        case .command(let command):
            if case .http = command {
                close(.notSMTP, with: .notHTTP)
                return nil
            }
            if isRefused, command != .quit {
                refuse(.badSequence)
                return nil
            }
            return perform(command)
        case .refusal(let reply, let verb):
            // The client counts on octets of a chunk that cannot be counted: its transaction is lost.
            if verb == .bdat { reset() }
            refuse(isRefused ? .badSequence : reply)
            return nil
        }
    }

    private mutating func perform(_ command: Command) -> ServerAction? {
        switch command {
        case .hello(let verb, let name): return hello(verb, name)
        case .mail(let mail): return self.mail(mail)
        case .rcpt(let recipient): return rcpt(recipient)
        case .data: data()
        case .bdat(let size, let isLast): bdat(size, isLast: isLast)
        case .rset:
            reset()
            answerJunk(.done)
        case .noop: answerJunk(.done)
        case .vrfy: answerJunk(.cannotVerify)
        case .help: answerJunk(.help)
        case .expn, .notOffered: refuse(.notImplemented)
        case .quit: close(.quit, with: .closing)
        case .startTLS: return startTLS()
        case .auth(let mechanism, let response): return authenticate(mechanism, response)
        case .xclient(let attributes): xclient(attributes)
        case .xforward(let attributes): xforward(attributes)
        case .http: close(.notSMTP, with: .notHTTP)
        }
        return nil
    }

    private mutating func hello(_ verb: HelloVerb, _ name: String) -> ServerAction? {
        // LMTP knows only LHLO, and SMTP does not know it (RFC 2033 §4.1).
        guard (verb == .lhlo) == (profile.settings.dialect == .lmtp) else {
            refuse(.unknownCommand)
            return nil
        }
        // The first hello opens the session; more of them are as good as RSET, but with the longest of all replies.
        if helloName != nil, isJunkTooMuch() {
            close(.tooManyErrors, with: .tooManyErrors)
            return nil
        }
        return ask(.hello(verb, name: name))
    }

    private mutating func mail(_ mail: MailCommand) -> ServerAction? {
        let settings = profile.settings
        if isInTransaction { refuse(.nestedMail); return nil }
        if helloName == nil { refuse(.helloFirst); return nil }
        if settings.requiresTLS, !isTLS { refuse(.tlsFirst); return nil }
        if transactionCount >= settings.maxMessages {
            close(.tooManyMessages, with: .tooManyMessages)
            return nil
        }
        if requiresAuthentication { refuse(.authenticationRequired); return nil }
        if mail.parameters.requireTLS, !isTLS || settings.dialect == .lmtp { refuse(.unsupportedParameter); return nil }
        // Who submitted the message first is what a trusted client says, and nobody passes it on (RFC 4954 §5).
        if mail.parameters.auth != nil, settings.authentication == nil { refuse(.unsupportedParameter); return nil }
        if mail.isInternational, !mail.parameters.smtpUTF8 { refuse(.utf8AddressNeedsSMTPUTF8); return nil }
        if let size = mail.parameters.size, size > settings.maxMessageSize { refuse(.messageTooLarge); return nil }
        return ask(.mail(mail))
    }

    private mutating func rcpt(_ recipient: RcptCommand) -> ServerAction? {
        guard let mail else { refuse(.mailFirst); return nil }
        if transaction?.usesChunks == true { refuse(.badSequence); return nil }
        if recipientCount >= profile.settings.maxRecipients { refuse(.tooManyRecipients); return nil }
        if recipient.isInternational, !mail.parameters.smtpUTF8 { refuse(.utf8AddressNeedsSMTPUTF8); return nil }
        return ask(.recipient(recipient))
    }

    private mutating func startTLS() -> ServerAction? {
        guard profile.settings.offersStartTLS else { refuse(.notImplemented); return nil }
        if isTLS { refuse(.badSequence); return nil }
        Reply.readyForTLS.append(to: &output)
        reset()
        // What came with the command was sent in the clear, by whomever: nothing of it may count as sent under TLS.
        input.removeAll()
        phase = .startingTLS
        return .startTLS
    }

    private mutating func xclient(_ attributes: [ClientAttribute]) {
        guard permissions.contains(.xclient) else { return refuse(.notAuthorized) }
        guard !isInTransaction else { return refuse(.badSequence) }
        guard let changed = identity.applying(attributes) else { return refuse(.badArgument) }
        identity = changed
        helloName = nil
        for attribute in attributes where attribute.name == .helo { helloName = attribute.value }
        for attribute in attributes where attribute.name == .proto { helloVerb = attribute.value == "SMTP" ? .helo : .ehlo }
        reset()
        isRefused = false
        // The session starts over with its greeting, and with the host's leave for the new client.
        phase = .opening
    }

    private mutating func xforward(_ attributes: [ClientAttribute]) {
        guard permissions.contains(.xforward) else { return refuse(.notAuthorized) }
        guard !isInTransaction else { return refuse(.badSequence) }
        var told = forwarded ?? ForwardedIdentity()
        told.merge(attributes)
        forwarded = told
        Reply.done.append(to: &output)
    }
}

// MARK: - Answers of the host

extension ServerSession {
    /// Takes the host's answer to the last question.
    public mutating func decided(_ verdict: Verdict) {
        guard case .asking(let question) = phase else { return }
        phase = .command
        authentication.exchange = nil
        switch verdict {
        case .accept: accept(question)
        case .close(let reply): close(.refused, with: reply)
        case .reject(let reply):
            guard case .connect = question else { return refuse(reply) }
            // 421 ends the connection; after 554 the client is left to say QUIT (RFC 5321 §3.1).
            if reply.code == 421 { return close(.refused, with: reply) }
            isRefused = true
            reply.append(to: &output)
        }
    }

    private mutating func accept(_ question: Question) {
        switch question {
        case .connect:
            output.append(contentsOf: profile.greeting)
        case .hello(let verb, let name):
            reset()
            helloName = name
            helloVerb = verb
            let offersStartTLS = profile.settings.offersStartTLS && !isTLS
            output.append(contentsOf: verb == .helo ? profile.heloReply
                : profile.helloReply(permissions, offersStartTLS: offersStartTLS, offersAuthentication: offersAuthentication,
                                     isTLS: isTLS))
        case .mail(let mail):
            begin(mail)
            Reply.senderOK.append(to: &output)
        case .recipient(let recipient):
            transaction?.recipients.append(recipient)
            Reply.recipientOK.append(to: &output)
        case .authenticate:
            // Who the client is cannot be said with a mere yes.
            Reply.authenticationUnavailable.append(to: &output)
        }
    }
}

extension ClientIdentity {
    /// The identity that XCLIENT describes; nil when an attribute makes no sense.
    func applying(_ attributes: [ClientAttribute]) -> ClientIdentity? {
        var changed = self
        changed.certifiedNames = []
        for attribute in attributes {
            switch attribute.name {
            case .name: changed.name = attribute.value
            case .login: changed.login = attribute.value
            case .addr, .port:
                guard let endpoint = changed.endpoint.applying(attribute) else { return nil }
                changed.endpoint = endpoint
            case .destaddr, .destport:
                guard let endpoint = changed.localEndpoint.applying(attribute) else { return nil }
                changed.localEndpoint = endpoint
            case .proto:
                guard attribute.value == nil || attribute.value == "SMTP" || attribute.value == "ESMTP" else { return nil }
            case .helo, .ident, .source: break
            }
        }
        return changed
    }
}

extension SocketEndpoint {
    /// The endpoint with its address or port replaced; an address that is not known becomes 0.0.0.0, which no rule trusts.
    fileprivate func applying(_ attribute: ClientAttribute) -> SocketEndpoint? {
        var address = IPAddress.v4(0)
        var port: UInt16 = 0
        if case .ip(let oldAddress, let oldPort) = self { (address, port) = (oldAddress, oldPort) }
        switch (attribute.name, attribute.value) {
        case (.addr, let value?), (.destaddr, let value?):
            let text = value.utf8.count > 5 && value.prefix(5).uppercased() == "IPV6:" ? value.dropFirst(5) : value[...]
            guard let parsed = IPAddress(text) else { return nil }
            address = parsed
        case (.addr, nil), (.destaddr, nil): address = .v4(0)
        case (_, let value?):
            guard let parsed = Decimal.parse(value.utf8).flatMap(UInt16.init(exactly:)) else { return nil }
            port = parsed
        case (_, nil): port = 0
        }
        return .ip(address, port: port)
    }
}

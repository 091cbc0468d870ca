import Ports

extension ClientSession {
    mutating func takeGreeting(_ reply: Reply, at now: Timestamp) {
        greeting = reply
        switch reply.severity {
        case .success: sendEHLO(at: now)
        case .intermediate: fail(.unexpectedReply(reply))
        case .transient, .permanent: refuse(reply, at: .greeting)
        }
    }

    mutating func takeEHLO(_ reply: Reply, at now: Timestamp) {
        switch reply.severity {
        case .success:
            capabilities = Capabilities(keywordLines: reply.lines.dropFirst())
            // Offered in the clear it means nothing (RFC 8689 §2).
            if !isEncrypted { capabilities.requireTLS = false }
            afterEHLO(at: now)
        case .intermediate:
            fail(.unexpectedReply(reply))
        case .transient:
            refuse(reply, at: .ehlo)
        case .permanent:
            // A server from before 1995 (RFC 5321 §3.2); LMTP has no such past, and TLS came with EHLO.
            guard dialect != .lmtp, !isEncrypted else { return refuse(reply, at: .ehlo) }
            send("HELO ", heloName)
            state = .helo
            deadline = now + settings.ehloTimeout
        }
    }

    mutating func takeHELO(_ reply: Reply) {
        switch reply.severity {
        case .success:
            guard settings.startTLS != .required else { return failForWantOfTLS() }
            becomeIdle()
        case .intermediate: fail(.unexpectedReply(reply))
        case .transient, .permanent: refuse(reply, at: .ehlo)
        }
    }

    mutating func takeStartTLS(_ reply: Reply, at now: Timestamp) {
        switch reply.severity {
        case .success:
            state = .startTLSAccepted
            deadline = now + settings.startTLSTimeout
        case .intermediate:
            fail(.unexpectedReply(reply))
        case .transient, .permanent:
            guard settings.startTLS != .required else { return refuse(reply, at: .startTLS) }
            startTLSRefusal = reply
            becomeIdle()
        }
    }

    /// TLS stands: nothing that was said before counts (RFC 3207 §4.2).
    public mutating func tlsEstablished(at now: Timestamp) {
        guard case .handshake = state else { return }
        guard !parser.hasUnreadInput else { return fail(.inputBeforeTLS) }
        isEncrypted = true
        capabilities = Capabilities()
        guard greeting != nil else {
            state = .greeting
            deadline = now + settings.greetingTimeout
            return
        }
        sendEHLO(at: now)
    }

    /// TLS did not come up: the session is over.
    public mutating func tlsFailed(_ failure: TLSFailure) {
        guard case .handshake = state else { return }
        fail(.tls(failure))
    }

    private mutating func sendEHLO(at now: Timestamp) {
        send(dialect == .lmtp ? "LHLO " : "EHLO ", heloName)
        state = .ehlo
        deadline = now + settings.ehloTimeout
    }

    private mutating func afterEHLO(at now: Timestamp) {
        guard !isEncrypted, settings.startTLS != .never else { return becomeIdle() }
        if capabilities.startTLS {
            output.append(contentsOf: "STARTTLS\r\n".utf8)
            state = .startTLS
            deadline = now + settings.startTLSTimeout
        } else if settings.startTLS == .required {
            failForWantOfTLS()
        } else {
            becomeIdle()
        }
    }

    private mutating func failForWantOfTLS() {
        end(.failed(.startTLSNotOffered, at: .startTLS))
    }

    mutating func becomeIdle() {
        if settings.authentication != nil, !isAuthenticated {
            state = .unauthenticated
        } else {
            state = .idle
        }
        deadline = .distantFuture
    }

    private mutating func send(_ command: StaticString, _ argument: String) {
        command.withUTF8Buffer { output.append(contentsOf: $0) }
        output.append(contentsOf: argument.utf8)
        output.append(contentsOf: [0x0d, 0x0a])
    }
}

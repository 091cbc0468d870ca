import MessageFormat
import Ports

extension ClientSession {
    /// Whether `begin` may be called now.
    ///
    /// That is between transactions, and from the moment that the message of one is asked for: the
    /// next one then goes out behind its final dot (RFC 2920 §3.1), which needs PIPELINING.
    public var canBegin: Bool {
        if let limit = capabilities.limits?.transactionsPerSession, transactionCount >= limit { return false }
        switch state {
        case .idle: return results.isEmpty
        case .body, .endOfData:
            guard let current, capabilities.pipelining, upcoming == nil, inputEnd == nil else { return false }
            return !current.usesChunks && !current.isAborted && !current.accepted.isEmpty
        case .greeting, .ehlo, .helo, .startTLS, .startTLSAccepted, .handshake, .unauthenticated, .authenticating, .envelope, .chunk,
             .quitting, .closed:
            return false
        }
    }

    /// Begins a transaction; only when `canBegin`.
    public mutating func begin(_ transaction: ClientTransaction, at now: Timestamp) {
        precondition(canBegin, "a transaction begun out of turn")
        transactionCount += 1
        let exchange = ClientExchange(transaction, capabilities: capabilities, settings: settings)
        guard case .idle = state else {
            upcoming = exchange
            if current?.isSent == true { sendUpcoming(at: now) }
            return
        }
        guard !exchange.order.isEmpty else { return report(exchange) }
        current = exchange
        state = .envelope
        sendCommands(at: now)
    }

    /// Sends the commands of the transaction that waits behind the final dot.
    mutating func sendUpcoming(at now: Timestamp) {
        guard upcoming != nil else { return }
        swap(&current, &upcoming)
        sendCommands(at: now)
        swap(&current, &upcoming)
    }

    /// Sends all commands of the current transaction, or one where the server does not pipeline.
    mutating func sendCommands(at now: Timestamp) {
        guard var exchange = current.take() else { return }
        defer { current = exchange }
        guard !exchange.order.isEmpty else { return }
        if needsReset {
            needsReset = false
            output.append(contentsOf: "RSET\r\n".utf8)
            expect(.reset, at: now)
            guard capabilities.pipelining else { return }
        }
        repeat {
            sendCommand(of: &exchange, at: now)
        } while capabilities.pipelining && exchange.step != .allSent
    }

    private mutating func sendCommand(of exchange: inout ClientExchange, at now: Timestamp) {
        switch exchange.step {
        case .mail:
            appendMAIL(exchange)
            expect(.mail, at: now)
            exchange.step = .rcpt(0)
        case .rcpt(let place):
            let recipient = exchange.order[place]
            appendRCPT(exchange.transaction.recipients[recipient])
            expect(.rcpt(recipient), at: now)
            if place + 1 < exchange.order.count {
                exchange.step = .rcpt(place + 1)
            } else {
                exchange.step = exchange.usesChunks ? .allSent : .data
            }
        case .data:
            output.append(contentsOf: "DATA\r\n".utf8)
            expect(.data, at: now)
            exchange.step = .allSent
        case .allSent:
            break
        }
    }

    /// Goes on when every reply that was awaited is there; tells whether anything changed.
    mutating func advanceEnvelope(at now: Timestamp) -> Bool {
        guard nextExpected == nil, let exchange = current else { return false }
        if exchange.order.isEmpty {
            finish()
        } else if exchange.step == .mail {
            sendCommands(at: now)
        } else if !exchange.isMailAccepted {
            finish()
        } else if exchange.step == .data, exchange.accepted.isEmpty {
            needsReset = true
            finish()
        } else if exchange.step != .allSent {
            sendCommands(at: now)
        } else if exchange.usesChunks, !exchange.accepted.isEmpty {
            state = .body
            deadline = now + settings.blockTimeout
        } else {
            needsReset = true
            finish()
        }
        return true
    }

    /// Reports the current transaction and goes on with the next.
    mutating func finish() {
        if let exchange = current.take() { report(exchange) }
        if upcoming != nil {
            swap(&current, &upcoming)
            state = .envelope
        } else {
            becomeIdle()
        }
    }

    // MARK: Replies

    mutating func takeExpected(_ reply: Reply, at now: Timestamp) {
        guard let expectation = nextExpected else { return fail(.unexpectedReply(reply)) }
        if !isAllowed(reply, for: expectation) { return fail(.unexpectedReply(reply)) }
        dropExpected(at: now)
        switch expectation {
        case .reset:
            break
        case .mail:
            if reply.isSuccess {
                current?.isMailAccepted = true
            } else {
                current?.settle(.refused(reply, at: .mail))
            }
        case .rcpt(let recipient):
            takeRCPT(reply, for: recipient)
        case .data:
            takeDATA(reply, at: now)
        case .chunk, .endOfData, .endOfDataFor:
            takeFinal(reply, for: expectation)
        }
    }

    /// Whether `reply` can answer the command; what cannot means that both sides no longer agree where they are.
    private func isAllowed(_ reply: Reply, for expectation: Expectation) -> Bool {
        switch expectation {
        case .reset: reply.isSuccess
        case .data: !reply.isSuccess
        case .rcpt: reply.severity != .intermediate && !(reply.isSuccess && current?.isMailAccepted != true)
        case .mail, .chunk, .endOfData, .endOfDataFor: reply.severity != .intermediate
        }
    }

    private mutating func takeRCPT(_ reply: Reply, for recipient: Int) {
        guard var exchange = current.take() else { return }
        defer { current = exchange }
        guard exchange.answers[recipient] == nil else { return }
        if reply.isSuccess {
            exchange.accepted.append(recipient)
        } else if !exchange.accepted.isEmpty, reply.saysTooManyRecipients {
            exchange.answers[recipient] = .tooManyRecipients(reply)
        } else {
            exchange.answers[recipient] = .refused(reply, at: .rcpt)
        }
    }

    private mutating func takeDATA(_ reply: Reply, at now: Timestamp) {
        guard let exchange = current else { return }
        guard reply.severity == .intermediate else {
            current?.settle(.refused(reply, at: .data))
            needsReset = exchange.isMailAccepted
            return finish()
        }
        if !exchange.accepted.isEmpty {
            encoder = DotEncoder()
            state = .body
            deadline = now + settings.blockTimeout
        } else if dialect == .lmtp {
            // With a reply per accepted recipient, nobody can tell what answers this dot.
            fail(.unexpectedReply(reply))
        } else {
            // RFC 2920 §3.1: DATA was pipelined and must be ended; there is nobody whom this could reach.
            output.append(contentsOf: ".\r\n".utf8)
            current?.finalReplies = 1
            expect(.endOfData, at: now)
            state = .endOfData
        }
    }
}

// MARK: Awaited replies

extension ClientSession {
    var nextExpected: Expectation? { expectedStart < expected.count ? expected[expectedStart] : nil }

    mutating func expect(_ expectation: Expectation, at now: Timestamp) {
        if expectedStart == expected.count { deadline = now + timeout(for: expectation) }
        expected.append(expectation)
    }

    /// The time for one reply begins when the one before has come (RFC 5321 §4.5.3.2).
    mutating func dropExpected(at now: Timestamp) {
        expectedStart += 1
        if expectedStart == expected.count {
            expected.removeAll(keepingCapacity: true)
            expectedStart = 0
        } else {
            deadline = now + timeout(for: expected[expectedStart])
        }
    }

    private func timeout(for expectation: Expectation) -> Duration {
        switch expectation {
        case .reset: settings.resetTimeout
        case .mail: settings.mailTimeout
        case .rcpt: settings.rcptTimeout
        case .data: settings.dataTimeout
        case .chunk: settings.blockTimeout
        case .endOfData, .endOfDataFor: settings.endOfDataTimeout
        }
    }
}

extension Reply {
    /// Whether this refuses a recipient only because the transaction is full (RFC 5321 §4.5.3.1.10, RFC 3463 §3.6).
    ///
    /// 552 is what servers of RFC 821 say; an enhanced code of another meaning, such as a full mailbox, decides.
    var saysTooManyRecipients: Bool {
        if let enhanced { return enhanced.subject == 5 && enhanced.detail == 3 }
        return code == 452 || code == 552
    }
}

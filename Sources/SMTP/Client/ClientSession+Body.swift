import Ports

extension ClientSession {
    /// Supplies the next part of the message when `next(at:)` says `needBody`.
    ///
    /// The host supplies no part while its connection is congested: that is the back-pressure.
    public mutating func send(body part: some Collection<UInt8>, isLast: Bool, at now: Timestamp) {
        guard case .body = state else { return }
        deadline = now + settings.blockTimeout
        if current?.usesChunks == true { return send(chunk: part, isLast: isLast, at: now) }
        output.reserveCapacity(output.count + part.count + part.count / 64 + 16)
        encoder.encode(part, into: &output)
        guard isLast else { return }
        encoder.finish(into: &output)
        awaitFinalReplies(at: now)
        sendUpcoming(at: now)
    }

    /// The rest of the message cannot be had: the connection must go, or half a message would count as whole.
    public mutating func abandonBody() {
        guard case .body = state else { return }
        fail(.contentUnavailable)
    }

    /// RFC 3030 §2: chunks may be pipelined; without PIPELINING each waits for its reply.
    private mutating func send(chunk: some Collection<UInt8>, isLast: Bool, at now: Timestamp) {
        guard isLast || !chunk.isEmpty else { return }
        output.append(contentsOf: "BDAT \(chunk.count)\(isLast ? " LAST" : "")\r\n".utf8)
        output.append(contentsOf: chunk)
        if isLast {
            awaitFinalReplies(at: now)
        } else {
            expect(.chunk, at: now)
            if !capabilities.pipelining { state = .chunk }
        }
    }

    private mutating func awaitFinalReplies(at now: Timestamp) {
        guard var exchange = current.take() else { return }
        exchange.isSent = true
        if dialect == .lmtp {
            exchange.finalReplies = exchange.accepted.count
            for recipient in exchange.accepted { expect(.endOfDataFor(recipient), at: now) }
        } else {
            exchange.finalReplies = 1
            expect(.endOfData, at: now)
        }
        current = exchange
        state = .endOfData
    }

    /// A reply that comes before the message has been sent.
    mutating func takeDuringBody(_ reply: Reply, at now: Timestamp) {
        if nextExpected != nil { return takeExpected(reply, at: now) }
        guard reply.isTransient || reply.isPermanent else { return fail(.unexpectedReply(reply)) }
        // The server has left the message: what we sent on would run as commands.
        current?.settle(.refused(reply, at: .body))
        end(.failed(.unexpectedReply(reply), at: .body))
    }

    mutating func takeFinal(_ reply: Reply, for expectation: Expectation) {
        guard var exchange = current.take() else { return }
        defer { current = exchange }
        switch expectation {
        case .chunk:
            if reply.isSuccess {
                if case .chunk = state { state = .body }
            } else {
                exchange.settle(.refused(reply, at: .body))
                exchange.isAborted = true
                state = .endOfData
            }
        case .endOfDataFor(let recipient):
            exchange.finalReplies -= 1
            guard exchange.answers[recipient] == nil else { return }
            exchange.answers[recipient] = reply.isSuccess ? .accepted(reply) : .refused(reply, at: .endOfData)
        case .endOfData:
            exchange.finalReplies -= 1
            exchange.settle(reply.isSuccess ? .accepted(reply) : .refused(reply, at: .endOfData))
        case .reset, .mail, .rcpt, .data:
            break
        }
        // RFC 3030 §2: after a failed chunk only RSET brings both sides together again.
        if exchange.usesChunks, !reply.isSuccess { needsReset = true }
    }

    /// Finishes the transaction when its last reply is there; tells whether it did.
    mutating func finishIfAnswered() -> Bool {
        guard let current else { return false }
        if current.isAborted, !current.isSent {
            guard nextExpected == nil else { return false }
        } else {
            guard current.finalReplies == 0 else { return false }
        }
        finish()
        return true
    }
}

import MessageFormat
import Ports

extension ServerSession {
    /// `DATA` (RFC 5321 §4.1.1.4).
    mutating func data() {
        if !isInTransaction { return refuse(.mailFirst) }
        if transaction?.usesChunks == true { return refuse(.badSequence) }
        if recipientCount == 0 { return refuse(noRecipients) }
        if mail?.parameters.body == .binaryMIME { return refuse(.binaryNeedsChunks) }
        transaction?.beginData(under: profile.settings)
        Reply.startMailInput.append(to: &output)
        beginContent()
    }

    /// `BDAT` (RFC 3030 §2); the octets of a chunk are taken off the stream even when it is refused.
    mutating func bdat(_ size: Int, isLast: Bool) {
        beginContent()
        if !isInTransaction {
            phase = .skippingChunk(remaining: size, .mailFirst)
        } else if recipientCount == 0 {
            phase = .skippingChunk(remaining: size, noRecipients)
        } else {
            transaction?.beginChunk(of: size, isLast: isLast, under: profile.settings)
        }
    }

    private var noRecipients: Reply { profile.settings.dialect == .lmtp ? .noRecipientsLMTP : .noRecipients }

    /// How much of a message is collected before it is handed on; the header always fits.
    private var partOctets: Int { max(profile.settings.largeMessageThreshold, profile.settings.headerLimits.octets, 1) }

    /// Decodes as much of `bytes` as fits into one part of a message and tells how much that was.
    mutating func decodeContent(_ bytes: UnsafeRawBufferPointer) -> Int {
        let part = partOctets
        var used = 0
        while used < bytes.count, transaction?.isAtEnd == false {
            let room = transaction?.isDiscarding == true ? bytes.count : part - (transaction?.body.count ?? 0)
            guard room > 0 else { break }
            let piece = UnsafeRawBufferPointer(rebasing: bytes[used..<(used + min(room, bytes.count - used))])
            used += transaction?.decode(piece, under: profile.settings) ?? piece.count
        }
        noteInput(used)
        return used
    }

    /// Goes on within a message; nil when it is over.
    mutating func nextContent() -> ServerAction? {
        while isInTransaction {
            let isDiscarding = transaction?.isDiscarding == true
            if isDiscarding, transaction?.isStreamed == true {
                transaction?.isStreamed = false
                return .abandon
            }
            if transaction?.isAtEnd == true { return endContent() }
            if !isDiscarding, (transaction?.body.count ?? 0) >= partOctets {
                if let action = handOut() { return action }
                continue
            }
            guard !input.isEmpty else { return needContent() }
            input.consume(decodeInput())
        }
        phase = .command
        return nil
    }

    private mutating func decodeInput() -> Int {
        // Moved out for the moment, so that decoding may change the rest of the session.
        var taken = InputBuffer()
        swap(&taken, &input)
        let used = taken.withUnsafeBytes { decodeContent($0) }
        swap(&taken, &input)
        return used
    }

    /// Hands a part of a large message to the host; nil when its header is refused.
    private mutating func handOut() -> ServerAction? {
        transaction?.checkHeader(under: profile.settings, isWhole: false)
        guard transaction?.isDiscarding == false, let part = transaction?.takeBody() else { return nil }
        transaction?.isStreamed = true
        phase = .storing(since: now)
        return .chunk(part)
    }

    /// The message, or its chunk, has come in whole.
    private mutating func endContent() -> ServerAction? {
        phase = .command
        let expectsChunks = transaction?.expectsChunks == true
        if !expectsChunks { transaction?.finish(under: profile.settings) }
        if let refusal = transaction?.refusal(under: profile.settings) {
            if expectsChunks {
                reset()
                refuse(refusal)
            } else {
                endTransaction(with: .all(refusal), recipients: recipientCount)
            }
            return nil
        }
        if expectsChunks {
            answerChunk()
            return nil
        }
        return commit()
    }

    private mutating func answerChunk() {
        let reply = Reply(250, .init(2, 0, 0), "\(transaction?.octets ?? 0) octets so far")
        // A chunk of nothing moves nothing.
        if transaction?.chunkOctets == 0 { answerJunk(reply) } else { reply.append(to: &output) }
    }

    private mutating func commit() -> ServerAction? {
        guard var transaction = self.transaction.take() else { return nil }
        phase = .committing(recipients: transaction.recipients.count)
        let message = ReceivedMessage(
            mail: transaction.mail, recipients: transaction.recipients, body: transaction.takeBody(),
            octets: transaction.octets, isStreamed: transaction.isStreamed, findings: transaction.findings,
            receivedCount: transaction.receivedCount ?? 0, helloName: helloName ?? "",
            protocolName: protocolName(transaction.mail), forwarded: forwarded)
        forwarded = nil
        return .commit(message)
    }

    /// The name of the protocol in trace fields (RFC 3848, RFC 6531 §4.3).
    private func protocolName(_ mail: MailCommand) -> String {
        let isLMTP = profile.settings.dialect == .lmtp
        if helloVerb == .helo, !isLMTP { return "SMTP" }
        let base = switch (isLMTP, mail.parameters.smtpUTF8) {
        case (true, true): "UTF8LMTP"
        case (true, false): "LMTP"
        case (false, true): "UTF8SMTP"
        case (false, false): "ESMTP"
        }
        return base + (isTLS ? "S" : "") + (identity.login == nil ? "" : "A")
    }
}

// MARK: - Answers of the host

extension ServerSession {
    /// Tells that the last chunk was stored.
    public mutating func chunkTaken() {
        guard case .storing(let since) = phase else { return }
        resumeContent(after: since)
        phase = .content
    }

    /// Tells that the last chunk could not be stored: the rest of the message is read and dropped, then refused with `reply`.
    ///
    /// The host forgets the chunks before it on its own.
    public mutating func chunkRefused(_ reply: Reply) {
        guard case .storing(let since) = phase else { return }
        resumeContent(after: since)
        transaction?.isStreamed = false
        transaction?.discard(because: reply)
        phase = .content
    }

    /// Tells what became of the message handed over.
    public mutating func committed(_ result: CommitResult) {
        guard case .committing(let recipients) = phase else { return }
        phase = .command
        endTransaction(with: result, recipients: recipients)
    }

    /// Answers the end of a message: once in SMTP, for each recipient in LMTP (RFC 2033 §4.2).
    private mutating func endTransaction(with result: CommitResult, recipients: Int) {
        reset()
        let replies: [Reply] = switch result {
        case .all(let reply): profile.settings.dialect == .lmtp ? Array(repeating: reply, count: recipients) : [reply]
        case .each(let replies): replies
        }
        if replies.contains(where: \.isSuccess) { forgive() }
        for reply in replies.dropLast() { reply.append(to: &output) }
        guard let last = replies.last else { return }
        if last.isSuccess { last.append(to: &output) } else { refuse(last) }
    }
}

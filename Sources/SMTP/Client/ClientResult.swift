import Ports

/// The part of a session that something happened in.
public enum ClientStage: UInt8, Hashable, Sendable, CaseIterable {
    /// Waiting for the 220 of the server.
    case greeting
    /// EHLO, HELO or LHLO.
    case ehlo
    /// STARTTLS and the handshake.
    case startTLS
    /// Between transactions.
    case idle
    /// RSET.
    case reset
    /// MAIL.
    case mail
    /// RCPT.
    case rcpt
    /// DATA, before the 354.
    case data
    /// Sending the message.
    case body
    /// After the final dot or the last chunk.
    case endOfData
    /// QUIT.
    case quit
    /// AUTH (RFC 4954).
    case authentication
}

/// Why a session broke.
public enum ClientFailure: Error, Hashable, Sendable {
    /// The stream ended; nil when the server closed it in good order.
    case connectionLost(ConnectionError?)
    /// The server took longer than the timeout of the stage.
    case timedOut
    /// What came is not a reply.
    case garbage(ReplyError)
    /// A reply that its command does not allow, or that answers nothing.
    case unexpectedReply(Reply)
    /// The server sent more than the reply to STARTTLS in plain text (CVE-2021-38371).
    case inputBeforeTLS
    /// STARTTLS is required and the server does not offer it.
    case startTLSNotOffered
    /// TLS did not come up.
    case tls(TLSFailure)
    /// There are credentials for this server, and no TLS to send them under.
    case authenticationNeedsTLS
    /// The server offers no mechanism that the credentials are good for.
    case noCommonMechanism
    /// The server did not prove that it knows the password, or broke the exchange off in its own way.
    case serverNotAuthenticated
    /// The host could not supply the rest of the message.
    case contentUnavailable
}

/// What the server answered for one recipient of a transaction.
public enum RecipientAnswer: Hashable, Sendable {
    /// The server took the message over with this reply.
    case accepted(Reply)
    /// The server refused with this 4yz or 5yz reply.
    case refused(Reply, at: ClientStage)
    /// The message cannot go to this server as it is; the reply is Baton's own.
    case unsuitable(Reply)
    /// The transaction was full: send it again at once, in another one. Nil when the limit was known before.
    case tooManyRecipients(Reply?)
    /// The session broke before the message was sent whole.
    case broken(ClientFailure, at: ClientStage)
    /// The session broke after the final dot: the message may have been taken (RFC 1047).
    case unknown(ClientFailure)
    /// An earlier transaction ended the session before this one had begun.
    case notTried
}

/// What became of a transaction.
public struct TransactionResult: Hashable, Sendable {
    /// One result for each recipient, in the order of the transaction.
    public var recipients: [RecipientAnswer]
    /// Whether the server took over the DSN parameters (RFC 3461 §5.2.2); otherwise `relayed` is ours to report.
    public var offeredDSN: Bool
}

/// How a session ended.
public enum ClientEnd: Hashable, Sendable {
    /// With QUIT.
    case quit
    /// By a reply that ends it: a greeting or EHLO refused, or 421 at any stage.
    case refused(Reply, at: ClientStage)
    /// It broke; what is not sent yet must not be sent.
    case failed(ClientFailure, at: ClientStage)
}

/// What the host of a client session is to do next.
public enum ClientAction: Hashable, Sendable {
    /// Send `output`, then wait for input, for a change of congestion or for `deadline`.
    case needInput
    /// Nothing is under way: begin a transaction, quit, or keep the connection.
    case ready
    /// Supply the next part of the message with `send(body:isLast:at:)`.
    case needBody
    /// A transaction has ended; ask again for what follows.
    case finished(TransactionResult)
    /// Start the TLS handshake, then call `tlsEstablished(at:)` or `tlsFailed(_:)`.
    case startTLS
    /// Send `output` unless the session failed, and close the connection.
    case close(ClientEnd)
}

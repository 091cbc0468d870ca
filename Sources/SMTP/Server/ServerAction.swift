import MessageFormat
import Ports

/// What a server session wants its host to do next.
public enum ServerAction: Sendable {
    /// Write `output`, then give more input when there is some.
    case needInput
    /// Write `output` before going on: it has grown large.
    case flush
    /// Write `output` and stop reading: an answer of the host, or the deadline, is awaited.
    case waiting
    /// Answer with `decided`, now or later.
    case decide(Question)
    /// Store this part of a large message and answer with `chunkTaken` or `chunkRefused`.
    case chunk([UInt8])
    /// Take over the message for good and answer with `committed`.
    case commit(ReceivedMessage)
    /// Forget the chunks handed out for the current message.
    case abandon
    /// Write `output`, start TLS on the stream and answer with `tlsEstablished`.
    case startTLS
    /// Write `output`, then close the stream.
    case close(CloseReason)
}

/// What the host is asked to decide.
public enum Question: Hashable, Sendable {
    /// May this client talk to us? Asked first, and again after XCLIENT.
    case connect(ClientIdentity)
    /// May it go by this name?
    case hello(HelloVerb, name: String)
    /// May it send from this reverse-path?
    case mail(MailCommand)
    /// May it send to this forward-path?
    case recipient(RcptCommand)
    /// Is it who it says? Answered with `authenticated` (RFC 4954).
    case authenticate(AuthenticationRequest)
}

/// The host's answer to a question.
public enum Verdict: Hashable, Sendable {
    /// Yes.
    case accept
    /// No, with the reply that says why.
    case reject(Reply)
    /// No, and the connection ends with this reply.
    case close(Reply)
}

/// What became of a message that the host took over.
public enum CommitResult: Hashable, Sendable {
    /// The same for all recipients.
    case all(Reply)
    /// A reply for each recipient, in their order (LMTP only, RFC 2033 §4.2).
    case each([Reply])
}

/// Why a session ends the connection.
public enum CloseReason: Hashable, Sendable {
    /// The client said QUIT.
    case quit
    /// The host decided so.
    case refused
    /// The client was silent or slow for too long.
    case timedOut
    /// The client made too many errors.
    case tooManyErrors
    /// The client sent as many messages as a connection may carry.
    case tooManyMessages
    /// The client does not speak SMTP.
    case notSMTP
    /// The server shuts down.
    case shuttingDown
}

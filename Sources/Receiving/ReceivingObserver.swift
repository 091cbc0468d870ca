import Events
import Ports
import Events
import SMTP

/// Hears what happens on the receiving side, for logs and counters; called on the session's loop.
public protocol ReceivingObserver: AnyObject, Sendable {
    /// Something happened in the session of `client` at the listener of that name.
    func noted(_ occurrence: ReceivingOccurrence, client: ClientIdentity, listener: String)
}

/// What happens on the receiving side, beside the messages that the queue reports itself.
public enum ReceivingOccurrence: Hashable, Sendable {
    /// A session began.
    case connected
    /// A session ended; without a reason the client went away. `messages` counts those that were accepted.
    case disconnected(CloseReason?, messages: Int, findings: [RuleFinding] = [])
    /// A connection or command was refused; `by` is the rule that did it, where it was one.
    case refused(Reply, RefusedCommand, by: RuleFinding? = nil)
    /// A message was refused at its end.
    case messageRefused(Reply, MailCommand)
    /// The TLS handshake failed.
    case tlsFailed(TLSFailure)
    /// The client has proved to be this account.
    case authenticated(AuthenticatedAccount, mechanism: String)
    /// The client is not who it says; nil when it said no name.
    case authenticationFailed(name: String?, mechanism: String)
    /// It could not be found out who the client is.
    case authenticationUnavailable(mechanism: String)
    /// An account used an address that is not its own; `enforce` when that was refused.
    case senderMismatch(SenderMismatch, SubmissionRules.SenderCheck)
    /// A connection did not begin with a PROXY header where one is expected, or came from no proxy.
    case notProxied
}

/// What was refused.
public enum RefusedCommand: Hashable, Sendable {
    /// The connection itself.
    case connection
    /// The client's name for itself.
    case hello
    /// A reverse-path.
    case mail(MailCommand)
    /// A forward-path.
    case recipient(RcptCommand)
}

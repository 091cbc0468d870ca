import Events
import MailQueue
import Ports
import SMTP

/// What kept an attempt from asking a host about its recipients.
struct SMTPObstacle {
    enum Reason {
        /// The next hop has no host at all.
        case noHost
        /// The name has no address.
        case noAddress
        /// The DNS did not tell the addresses.
        case addressUnavailable
        /// The address is one where this host listens itself.
        case thisHost
        /// The TLS policy forbids to use the host.
        case withheld(TLSObstacle)
        /// No connection came about.
        case connection(ConnectionError)
        /// The session ended before the first transaction.
        case opening(ClientEnd)
        /// The session broke within the transaction, before the message was sent.
        case broken(ClientFailure, at: ClientStage)
        /// 421 before the message was sent.
        case closing(Reply, at: ClientStage)
    }

    let remote: RemoteHost
    let reason: Reason
    private let place: String

    init(_ host: HopHost, _ endpoint: SocketEndpoint?, _ reason: Reason, tls: String? = nil) {
        remote = RemoteHost(name: host.name, endpoint: endpoint, tls: tls)
        self.reason = reason
        place = SMTPObstacle.place(host, endpoint)
    }

    /// What `answer` says of the session rather than of the recipient; nil when it says nothing.
    init?(_ host: HopHost, _ endpoint: SocketEndpoint, answer: RecipientAnswer, tls: String?) {
        switch answer {
        case .broken(let failure, let stage): self.init(host, endpoint, .broken(failure, at: stage), tls: tls)
        case .refused(let reply, let stage): self.init(host, endpoint, .closing(reply, at: stage), tls: tls)
        case .accepted, .unsuitable, .tooManyRecipients, .unknown, .notTried: return nil
        }
    }

    /// `mx.example [192.0.2.1]:25`, or the address alone where the host has no other name.
    static func place(_ host: HopHost, _ endpoint: SocketEndpoint?) -> String {
        guard let endpoint else { return host.name }
        guard case .ip(let address, let port) = endpoint else { return endpoint.description }
        return host.name == address.description ? endpoint.description : "\(host.name) [\(address)]:\(port)"
    }

    /// Whether trying later may help.
    var isTemporary: Bool {
        switch reason {
        case .noHost, .noAddress, .thisHost: false
        case .withheld(let obstacle): obstacle.isTemporary
        case .addressUnavailable, .connection, .broken, .closing: true
        case .opening(let end):
            // A greeting of 554 means "no mail service here" for now; EHLO refused for good is meant for us.
            if case .refused(let reply, at: .ehlo) = end { !reply.isPermanent } else { true }
        }
    }

    /// What becomes of the recipients.
    var outcome: DeliveryOutcome { isTemporary ? .deferred(diagnosis) : .failed(diagnosis) }

    /// What it says about the site.
    var feedback: SiteFeedback {
        switch reason {
        case .noHost, .noAddress, .thisHost, .withheld: .none
        case .addressUnavailable, .connection, .broken: .unavailable
        case .opening(.refused(_, at: .startTLS)): .answered
        case .opening: .unavailable
        case .closing: .throttled
        }
    }

    private var diagnosis: Diagnosis {
        switch reason {
        case .noHost:
            Diagnosis(status: .init(5, 4, 4), explanation: "The next hop has no host.", bounceClass: .network)
        case .noAddress:
            Diagnosis(status: .init(5, 4, 4), explanation: "The mail host \(place) has no address.", bounceClass: .dns)
        case .addressUnavailable:
            Diagnosis(status: .init(4, 4, 3), explanation: "The address of the mail host \(place) could not be looked up.",
                      bounceClass: .dns)
        case .thisHost:
            Diagnosis(status: .init(5, 4, 6), explanation: "The mail host \(place) is this host itself, which does not take "
                + "the domain as its own.", bounceClass: .loop)
        case .withheld(let obstacle):
            // RFC 8689 §8 for what stays, RFC 3463 §3.8 for what may pass.
            Diagnosis(status: obstacle.isTemporary ? .init(4, 7, 5) : .init(5, 7, 30),
                      explanation: "\(place) was not used: \(obstacle).", bounceClass: .tls)
        case .connection(let error):
            Diagnosis(status: .init(4, 4, 1), explanation: "No connection to \(place): \(error.words).", bounceClass: .network)
        case .opening(.quit):
            Diagnosis(status: .init(4, 4, 2), explanation: "\(place) ended the session.", bounceClass: .network)
        case .opening(.refused(let reply, at: .authentication)):
            // Wrong today, put right tomorrow: no mail is lost for a password that was changed at one end only.
            Diagnosis(status: .init(4, 7, 8), reply: reply, explanation: "\(place) does not accept the route's credentials.",
                      bounceClass: .authentication)
        case .opening(.refused(let reply, let stage)), .closing(let reply, let stage):
            Diagnosis(status: isTemporary ? reply.temporaryStatus : reply.status, reply: reply,
                      explanation: "\(place) refused the session \(stage.words).")
        case .opening(.failed(let failure, let stage)), .broken(let failure, let stage):
            failure.diagnosis(place, stage)
        }
    }
}

extension ConnectionError {
    /// The error in words.
    var words: String {
        switch self {
        case .refused: "connection refused"
        case .unreachable: "network or host unreachable"
        case .timedOut: "no answer in time"
        case .reset: "connection reset"
        case .exhausted: "no descriptor or port left"
        case .system(let number): "system error \(number)"
        }
    }
}

extension ClientStage {
    /// The stage as the end of a sentence.
    var words: String {
        switch self {
        case .greeting: "in its greeting"
        case .ehlo: "at EHLO"
        case .startTLS: "at STARTTLS"
        case .authentication: "at AUTH"
        case .idle: "between messages"
        case .reset: "at RSET"
        case .mail: "at MAIL"
        case .rcpt: "at RCPT"
        case .data: "at DATA"
        case .body: "while the message was sent"
        case .endOfData: "after the message was sent"
        case .quit: "at QUIT"
        }
    }
}

extension ClientFailure {
    /// What the sender is told of a session that broke; all of these are worth another try.
    func diagnosis(_ place: String, _ stage: ClientStage) -> Diagnosis {
        switch self {
        case .connectionLost(nil):
            Diagnosis(status: .init(4, 4, 2), explanation: "\(place) closed the connection \(stage.words).", bounceClass: .network)
        case .connectionLost(let error?):
            Diagnosis(status: .init(4, 4, 2), explanation: "The connection to \(place) broke \(stage.words): \(error.words).",
                      bounceClass: .network)
        case .timedOut:
            Diagnosis(status: .init(4, 4, 2), explanation: "\(place) did not answer in time \(stage.words).", bounceClass: .network)
        case .garbage:
            Diagnosis(status: .init(4, 5, 0), explanation: "\(place) sent something that is no SMTP reply \(stage.words).",
                      bounceClass: .protocol)
        case .unexpectedReply(let reply):
            Diagnosis(status: .init(4, 5, 0), reply: reply, explanation: "\(place) gave a reply out of place \(stage.words).",
                      bounceClass: .protocol)
        case .inputBeforeTLS:
            Diagnosis(status: .init(4, 7, 0), explanation: "\(place) sent plain text where TLS had to begin.", bounceClass: .tls)
        case .startTLSNotOffered:
            Diagnosis(status: .init(4, 7, 4), explanation: "\(place) does not offer STARTTLS, which is required.", bounceClass: .tls)
        case .tls(let failure):
            Diagnosis(status: failure.status, explanation: "TLS with \(place) failed: \(failure).", bounceClass: .tls)
        case .authenticationNeedsTLS:
            Diagnosis(status: .init(4, 7, 11), explanation: "\(place) did not come under TLS, without which the route's credentials are not sent.",
                      bounceClass: .tls)
        case .noCommonMechanism:
            Diagnosis(status: .init(4, 7, 4), explanation: "\(place) offers no way to authenticate that fits the route's credentials.",
                      bounceClass: .authentication)
        case .serverNotAuthenticated:
            Diagnosis(status: .init(4, 7, 8), explanation: "\(place) did not prove that it knows the password of the route's credentials.",
                      bounceClass: .authentication)
        case .contentUnavailable:
            Diagnosis(status: .init(4, 3, 0), explanation: "The message could not be read from the queue.", bounceClass: .system)
        }
    }
}

extension TLSFailure {
    /// The status for the sender; all of these may pass (RFC 3463 §3.8, RFC 8689 §5).
    fileprivate var status: EnhancedStatusCode {
        switch self {
        case .notTrusted, .expired, .wrongName: EnhancedStatusCode(4, 7, 5)
        case .timedOut, .closed: EnhancedStatusCode(4, 4, 2)
        case .handshake, .noCommonProtocol, .unavailable: EnhancedStatusCode(4, 7, 5)
        }
    }
}

extension Reply {
    /// The enhanced status code, or the general one of the reply's class (RFC 3463 §2).
    var status: EnhancedStatusCode { enhanced ?? EnhancedStatusCode(isPermanent ? 5 : 4, 0, 0) }

    /// The status of a refusal that is taken for a temporary one.
    var temporaryStatus: EnhancedStatusCode {
        guard let enhanced, enhanced.class == 4 else { return EnhancedStatusCode(4, 3, 2) }
        return enhanced
    }
}

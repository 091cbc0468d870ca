import MailQueue
import Ports
import SMTP

/// What became of TLS on one connection, for events, `baton trace` and reports (RFC 8460).
public struct TLSOutcome: Hashable, Sendable {
    /// How it ended.
    public enum Result: Hashable, Sendable {
        /// TLS is up.
        case established(TLSSummary)
        /// The policy asks for none.
        case notWanted
        /// The host does not offer STARTTLS.
        case notOffered
        /// The host offered STARTTLS and refused it with this reply.
        case refused(Reply)
        /// The handshake failed, or the certificate is not what the policy asks for.
        case failed(TLSFailure)
        /// TLS failed on an earlier connection, and the policy allows to go on in the clear.
        case givenUp(TLSFailure)
    }

    /// What was asked for.
    public var policy: TLSPolicy
    /// How it ended.
    public var result: Result

    /// An outcome.
    public init(policy: TLSPolicy, result: Result) {
        self.policy = policy
        self.result = result
    }

    /// How the handshake of this connection failed; nil when it did not.
    var failure: TLSFailure? { if case .failed(let failure) = result { failure } else { nil } }

    /// Whether mail goes, or would go, over this connection in the clear.
    public var isClear: Bool { if case .established = result { false } else { true } }
}

extension TLSOutcome: CustomStringConvertible {
    /// The outcome as events tell it: `TLSv1.3 opportunistic certificate=mx.example`, `none opportunistic (not offered)`.
    public var description: String {
        switch result {
        case .established(let summary):
            let names = summary.peerNames.isEmpty ? "" : " certificate=" + summary.peerNames.joined(separator: ",")
            return "\(summary.version) \(policy.name)\(summary.isVerified ? " verified" : "")\(names)"
        case .notWanted: return "none"
        case .notOffered: return "none \(policy.name) (not offered)"
        case .refused(let reply): return "none \(policy.name) (STARTTLS was refused: \(reply.code))"
        case .failed(let failure): return "failed \(policy.name) (\(failure))"
        case .givenUp(let failure): return "none \(policy.name) (in the clear since \(failure))"
        }
    }
}

/// Hears what became of TLS on each connection; called on the core loop.
public protocol TLSOutcomeObserver: AnyObject {
    /// A connection to `host` for mail to `destination` came so far that its TLS was settled.
    func noted(_ outcome: TLSOutcome, host: HopHost, endpoint: SocketEndpoint, destination: DestinationKey)
}

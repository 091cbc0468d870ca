import MailAuth
import Ports
import SMTP

/// How connections to a host must be protected.
public enum TLSPolicy: Hashable, Sendable {
    /// In the clear, whatever the host offers.
    case none
    /// By TLS where the host offers it and it works, with any certificate; in the clear otherwise (RFC 7435).
    case opportunistic
    /// By TLS, with any certificate.
    case encrypt
    /// By TLS, with a certificate that leads to a trusted root and is for one of these names.
    case verify(names: [String])
    /// By TLS, with a certificate that these DNSSEC-proven records prove; with any where no record is usable (RFC 7672).
    case dane(DANEPolicy)
    /// As the MTA-STS policy of the domain says (RFC 8461): enforced, or tested and only reported.
    case mtaSTS(MTASTSRule)
    /// Not at all, for this reason.
    case withheld(TLSObstacle)

    /// Whether mail waits rather than go out in the clear.
    public var isRequired: Bool {
        switch self {
        case .none, .opportunistic: false
        case .encrypt, .verify, .dane, .withheld: true
        case .mtaSTS(let rule): rule.isEnforced
        }
    }

    /// Whether TLS is tried, and mail goes out in the clear where it does not work.
    var allowsClear: Bool { self != .none && !isRequired }

    /// Whether a connection under this policy is to a host that is proven, or is not made (RFC 8689 §4.2.1).
    var isProven: Bool {
        switch self {
        case .none, .opportunistic, .encrypt: false
        case .verify, .withheld: true
        case .dane(let policy): policy.isUsable
        case .mtaSTS(let rule): rule.isEnforced
        }
    }

    /// When STARTTLS is used under this policy.
    var startTLS: ClientSettings.StartTLSUse {
        switch self {
        case .none: .never
        case .opportunistic: .whenOffered
        case .encrypt, .verify, .dane, .withheld: .required
        case .mtaSTS(let rule): rule.isEnforced ? .required : .whenOffered
        }
    }

    /// How the host's certificate is checked under this policy, at this moment.
    func verification(at now: Timestamp) -> TLSVerification {
        switch self {
        case .none, .opportunistic, .encrypt, .withheld: .none
        case .verify(let names): .names(names)
        case .mtaSTS(let rule): rule.isEnforced ? .names([rule.host]) : .none
        case .dane(let policy): policy.isUsable ? .chain { policy.verdict(on: $0, at: now) } : .none
        }
    }

    /// The name that is asked for in the handshake, where the policy has one of its own (RFC 7671 §8.1).
    var serverName: String? { if case .dane(let policy) = self { policy.baseDomain } else { nil } }

    /// The policy's word in events and logs.
    public var name: String {
        switch self {
        case .none: "none"
        case .opportunistic: "opportunistic"
        case .encrypt: "encrypt"
        case .verify: "verify"
        case .dane(let policy): policy.isUsable ? "dane" : "dane-unusable"
        case .mtaSTS(let rule): rule.isEnforced ? "mta-sts" : "mta-sts-testing"
        case .withheld: "withheld"
        }
    }
}

extension DANEPolicy {
    /// What the records say of the certificates that a server presents.
    fileprivate func verdict(on chain: [[UInt8]], at now: Timestamp) -> TLSChainVerdict {
        switch DANEVerifier(records: records).verify(chain: chain, referenceNames: referenceNames, at: now) {
        case .authenticated: .accepted
        case .refused(.invalidChain(_, isExpired: true)): .refused(.expired)
        case .refused(.wrongName(let names)): .refused(.wrongName(presented: names))
        case .refused(let refusal): .refused(.notTrusted("\(refusal)"))
        }
    }
}

/// The policies of a host for messages that say something about TLS themselves (RFC 8689).
public struct TLSPoliciesWhenAsked: Hashable, Sendable {
    /// For REQUIRETLS.
    public var required: TLSPolicy
    /// For `TLS-Required: No`.
    public var waived: TLSPolicy

    /// The policies of a host.
    public init(required: TLSPolicy, waived: TLSPolicy) {
        self.required = required
        self.waived = waived
    }
}

/// When TLS begins on a connection to a host.
public enum TLSStart: UInt8, Hashable, Sendable {
    /// With STARTTLS (RFC 3207).
    case startTLS
    /// At once (RFC 8314 §3.3).
    case implicit
}

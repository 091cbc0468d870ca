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

    /// Whether mail waits rather than go out in the clear.
    public var isRequired: Bool {
        switch self {
        case .none, .opportunistic: false
        case .encrypt, .verify: true
        }
    }

    /// When STARTTLS is used under this policy.
    var startTLS: ClientSettings.StartTLSUse {
        switch self {
        case .none: .never
        case .opportunistic: .whenOffered
        case .encrypt, .verify: .required
        }
    }

    /// How the host's certificate is checked under this policy.
    var verification: TLSVerification {
        switch self {
        case .none, .opportunistic, .encrypt: .none
        case .verify(let names): .names(names)
        }
    }

    /// The policy's word in events and logs.
    public var name: String {
        switch self {
        case .none: "none"
        case .opportunistic: "opportunistic"
        case .encrypt: "encrypt"
        case .verify: "verify"
        }
    }
}

/// When TLS begins on a connection to a host.
public enum TLSStart: UInt8, Hashable, Sendable {
    /// With STARTTLS (RFC 3207).
    case startTLS
    /// At once (RFC 8314 §3.3).
    case implicit
}

/// A version of TLS that may be spoken.
public enum TLSVersion: UInt8, Hashable, Comparable, Sendable, CustomStringConvertible {
    /// TLS 1.0 (RFC 2246), for old peers where anything is better than clear text.
    case v1_0 = 1
    /// TLS 1.1 (RFC 4346).
    case v1_1 = 2
    /// TLS 1.2 (RFC 5246).
    case v1_2 = 3
    /// TLS 1.3 (RFC 8446).
    case v1_3 = 4

    public static func < (left: TLSVersion, right: TLSVersion) -> Bool { left.rawValue < right.rawValue }

    /// The version as trace fields and logs show it: `TLSv1.3`.
    public var description: String {
        switch self {
        case .v1_0: "TLSv1"
        case .v1_1: "TLSv1.1"
        case .v1_2: "TLSv1.2"
        case .v1_3: "TLSv1.3"
        }
    }
}

/// What both ends agreed on when TLS came up.
public struct TLSSummary: Hashable, Sendable {
    /// The version.
    public var version: TLSVersion
    /// The name that the client asked for (RFC 6066 §3); nil without.
    public var serverName: String?
    /// The application protocol that both ends know (RFC 7301); nil without.
    public var applicationProtocol: String?
    /// The certificates that the peer presented, in DER, its own first; empty when it presented none.
    public var peerCertificates: [[UInt8]]
    /// The DNS names in the peer's own certificate, a few of them at most.
    public var peerNames: [String]
    /// When the peer's own certificate ends.
    public var peerExpiry: Timestamp?
    /// Whether the peer was checked by what the settings asked for; false where they asked for nothing.
    public var isVerified: Bool

    /// A summary.
    public init(version: TLSVersion, serverName: String? = nil, applicationProtocol: String? = nil,
                peerCertificates: [[UInt8]] = [], peerNames: [String] = [], peerExpiry: Timestamp? = nil,
                isVerified: Bool = false) {
        self.version = version
        self.serverName = serverName
        self.applicationProtocol = applicationProtocol
        self.peerCertificates = peerCertificates
        self.peerNames = peerNames
        self.peerExpiry = peerExpiry
        self.isVerified = isVerified
    }
}

/// Why TLS did not come up; the connection is gone then.
public enum TLSFailure: Error, Hashable, Sendable {
    /// The handshake took too long.
    case timedOut
    /// The peer went away in the middle of the handshake.
    case closed
    /// The handshake failed; the words are those of the TLS library and hold nothing from the peer.
    case handshake(String)
    /// The peer's certificate leads to no trusted root, or was refused by the check that the settings gave.
    case notTrusted(String)
    /// The peer's certificate is past its end.
    case expired
    /// The peer's certificate is for other names, of which a few are told.
    case wrongName(presented: [String])
    /// The peer speaks none of the application protocols that are spoken here (RFC 7301 §3.2).
    case noCommonProtocol
    /// This connection can do no TLS with the settings given.
    case unavailable(String)
}

extension TLSFailure: CustomStringConvertible {
    /// The failure in words, for logs and reports.
    public var description: String {
        switch self {
        case .timedOut: "the TLS handshake took too long"
        case .closed: "the connection was closed during the TLS handshake"
        case .handshake(let words): "the TLS handshake failed: \(words)"
        case .notTrusted(let words): "the certificate is not trusted: \(words)"
        case .expired: "the certificate has expired"
        case .wrongName(let names): "the certificate is for other names: \(names.isEmpty ? "none" : names.joined(separator: ", "))"
        case .noCommonProtocol: "no common application protocol"
        case .unavailable(let words): "TLS is not available: \(words)"
        }
    }
}

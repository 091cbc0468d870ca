import Ports

/// A certificate with its chain and key, as PEM.
public struct TLSCertificate: Hashable, Sendable {
    /// The chain, the server's own certificate first (RFC 8446 §4.4.2).
    public var chain: [UInt8]
    /// The private key.
    public var privateKey: [UInt8]

    /// A certificate.
    public init(chain: [UInt8], privateKey: [UInt8]) {
        self.chain = chain
        self.privateKey = privateKey
    }
}

/// Whether clients are asked for certificates.
public enum ClientCertificates: Hashable, Sendable {
    /// They are not.
    case ignored
    /// They are, and one that is presented must lead to one of these roots (PEM).
    case requested(roots: [UInt8])
    /// A client without a certificate that leads to one of these roots (PEM) is turned away.
    case required(roots: [UInt8])
}

/// How a listener speaks TLS.
public struct TLSServerSettings: Hashable, Sendable {
    /// The certificates; the first one is for clients that ask for a name that none is for.
    public var certificates: [TLSCertificate]
    /// The oldest version that is spoken.
    public var minimumVersion = TLSVersion.v1_2
    /// Whether clients are asked for certificates.
    public var clientCertificates = ClientCertificates.ignored
    /// Application protocols that are spoken; a client that offers others only is turned away (RFC 7301 §3.2).
    public var applicationProtocols = ["smtp", "esmtp"]

    /// The documented defaults with these certificates.
    public init(certificates: [TLSCertificate]) { self.certificates = certificates }
}

/// Why certificates and keys cannot be used.
public struct TLSSetupError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, without any part of a key.
    public let description: String

    /// An error in these words.
    public init(_ description: String) { self.description = description }
}

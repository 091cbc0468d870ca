import MessageFormat
import Ports

/// How connections for some destinations are protected, whatever these publish.
public struct DestinationTLS: Hashable, Sendable {
    /// What is asked for.
    public enum Level: String, Hashable, Sendable, CaseIterable {
        /// What the destination publishes: DANE, else MTA-STS, else TLS where it works.
        case auto
        /// In the clear.
        case none
        /// TLS where it works.
        case opportunistic
        /// TLS, with any certificate.
        case encrypt
        /// TLS, with a certificate that leads to a trusted root and is for the host.
        case verify
        /// TLS, proven by DANE.
        case dane
    }

    /// The domains.
    public var destinations = DomainSet([])
    /// What is asked for.
    public var level = Level.auto

    /// The documented defaults.
    public init() {}

    static var keys: [Key<DestinationTLS>] { [
        .required("destinations", \.destinations, .domainSet,
                  "The recipients' domains it is for: `example.org`, or `*.example.org` for every domain below it."),
        .required("level", \.level, .choice,
                  "`auto`: as the destination publishes; `none`: in the clear; `opportunistic`: TLS where it works, whatever is published; `encrypt`: TLS with any certificate; `verify`: TLS with a certificate that leads to a trusted root and is for the host; `dane`: TLS, proven by TLSA records. Mail waits where `encrypt`, `verify` or `dane` cannot be had."),
    ] }

    static var type: ValueType<DestinationTLS> {
        .section("TLS level", "The first entry that fits decides. These are for mail by routes of type mx.", keys, initial: DestinationTLS()) { entry in
            "{destinations: \(ValueType<DomainSet>.domainSet.text(entry.destinations)), level: \(entry.level.rawValue)}"
        }
    }
}

/// How the MTA-STS policies of destinations are found.
public struct MTASTSConfiguration: Hashable, Sendable {
    /// Whether they are looked for.
    public var enabled = true
    /// Whether policy hosts may have private addresses.
    public var privateAddresses = false
    /// The port of policy hosts.
    public var port = 443
    /// How long fetching a policy may take.
    public var timeout = Duration.seconds(60)

    /// The documented defaults.
    public init() {}

    static var keys: [Key<MTASTSConfiguration>] { [
        .value("enabled", \.enabled, .flag, "Whether the policies of destinations are looked for. Their hosts are checked by the authorities that the system trusts, or by `tls.trustedCertificates`.", effect: .restart, reference: "RFC 8461"),
        .value("timeout", \.timeout, .duration(.seconds(1) ... .minutes(5)), "How long fetching a policy may take.", effect: .restart,
               reference: "RFC 8461 §3.3"),
        .value("privateAddresses", \.privateAddresses, .flag,
               "For tests: whether policy hosts may have loopback, private and other reserved addresses.", effect: .restart),
        .value("port", \.port, .count(1...65535), "The port of policy hosts; anything but 443 is for tests.", effect: .restart),
    ] }
}

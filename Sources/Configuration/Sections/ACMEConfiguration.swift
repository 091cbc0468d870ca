import MessageFormat
import Ports

/// How an ACME server is shown that names are ours.
public enum ACMEChallengeChoice: String, Hashable, Sendable, CaseIterable {
    /// By a document at port 80 (RFC 8555 §8.3).
    case http = "http-01"
    /// By a certificate at port 443 (RFC 8737).
    case tlsALPN = "tls-alpn-01"
    /// By a record in the DNS, which a command sets (RFC 8555 §8.4).
    case dns = "dns-01"
}

/// Certificates that are ordered and renewed.
public struct ACMEConfiguration: Hashable, Sendable {
    /// The directory of the ACME server.
    public var directory = "https://acme-v02.api.letsencrypt.org/directory"
    /// Whether the operator agrees to the terms of service.
    public var agreesToTerms = false
    /// The names that the certificate is for.
    public var names: [Domain] = []
    /// Whom the server may write to.
    public var contacts: [EmailAddress] = []
    /// How the names are shown to be ours.
    public var challenge = ACMEChallengeChoice.http
    /// Where challenges are answered.
    public var listener: ListenAddress?
    /// The command that sets records.
    public var hook: String?
    /// How long before its end a certificate is renewed.
    public var renewBefore = Duration.days(30)
    /// Files of authorities that the ACME server is checked by.
    public var trustedCertificates: [String] = []
    /// Whether the ACME server may have a private address.
    public var privateAddresses = false

    /// The documented defaults.
    public init() {}

    static var keys: [Key<ACMEConfiguration>] { [
        .required("agreesToTerms", \.agreesToTerms, .flag, "`true`: you agree to the terms of service of the ACME server.",
                  effect: .restart, reference: "RFC 8555 §7.3"),
        .value("directory", \.directory, .text(maxOctets: 2048), "The directory of the ACME server.", effect: .restart, reference: "RFC 8555 §7.1.1"),
        .value("names", \.names, .list(of: .domain, count: 0...100), "The names that the certificate is for; `hostname` where none is given.",
               effect: .restart),
        .value("contacts", \.contacts, .list(of: .emailAddress, count: 0...10), "Whom the server may write to about the account.", effect: .restart),
        .value("challenge", \.challenge, .choice,
               "How the names are shown to be ours: `http-01` by a document at port 80, `tls-alpn-01` by a certificate at port 443, `dns-01` by a record that `hook` sets.",
               effect: .restart, reference: "RFC 8555 §8, RFC 8737"),
        .optional("listener", \.listener, .listenAddress, otherwise: "`:80` for http-01, `:443` for tls-alpn-01",
                  "Where challenges are answered; a listener for nothing else.", effect: .restart),
        .optional("hook", \.hook, .path("program"),
                  "For dns-01: a program that is run as `HOOK present _acme-challenge.NAME VALUE` and afterwards as `HOOK cleanup` with the same words; it ends with 0 when the record can be seen.",
                  effect: .restart),
        .value("renewBefore", \.renewBefore, .duration(.hours(1) ... .days(60)), "How long before its end a certificate is renewed.", effect: .restart),
        .value("trustedCertificates", \.trustedCertificates, .list(of: .path("file"), count: 0...16),
               "For tests: files of authorities (PEM) that the ACME server is checked by instead of the system's.", effect: .restart),
        .value("privateAddresses", \.privateAddresses, .flag,
               "For tests: whether the ACME server may have a loopback, private or other reserved address.", effect: .restart),
    ] }

    static var type: ValueType<ACMEConfiguration> {
        .section("ACME", "", keys, initial: ACMEConfiguration()) { acme in
            "{agreesToTerms: \(acme.agreesToTerms), directory: \(yamlText(acme.directory)), challenge: \(acme.challenge.rawValue)}"
        } verify: { acme, path, check in
            if !acme.agreesToTerms { check.report("\(path).agreesToTerms", "no certificate can be ordered without: expected true") }
            if acme.challenge == .dns, acme.hook == nil { check.report(path, "dns-01 needs the key 'hook'") }
            if acme.challenge != .dns, acme.hook != nil { check.reportKey("\(path).hook", "is for the challenge dns-01") }
        }
    }
}

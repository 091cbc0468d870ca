import MessageFormat
import Ports

/// When the reverse-path of forwarded mail is rewritten.
public enum RewritingOccasion: String, Hashable, Sendable, CaseIterable {
    case needed, always
}

/// What happens to mail that an alias leads out of our domains.
public struct ForwardingConfiguration: Hashable, Sendable {
    /// The file with the secrets of SRS; nil when nothing is rewritten.
    public var srsSecretFile: String?
    /// The domain of rewritten reverse-paths.
    public var srsDomain: Domain?
    /// When the reverse-path is rewritten.
    public var rewrite = RewritingOccasion.needed
    /// How long bounces for a rewritten reverse-path are taken.
    public var srsMaxAge = Duration.days(21)
    /// How mail that goes on is sealed; nil when it is not.
    public var seal: SealConfiguration?

    /// The documented defaults.
    public init() {}

    static var keys: [Key<ForwardingConfiguration>] { [
        .optional("srsSecretFile", \.srsSecretFile, .path("file"), otherwise: "no reverse-path is rewritten",
                  "A file of secrets, one a line: the first signs rewritten reverse-paths (SRS), all of them are believed. Read at the start and at every reload."),
        .optional("srsDomain", \.srsDomain, .domain, otherwise: "`hostname`",
                  "The domain of rewritten reverse-paths: its MX must lead here, and its SPF record cover this host."),
        .value("rewrite", \.rewrite, .choice,
               "`needed` rewrites the reverse-path where its domain publishes SPF, which would fail at the next host, and where nobody looked; `always` rewrites that of every sender outside our domains."),
        .value("srsMaxAge", \.srsMaxAge, .duration(.days(1) ... .days(365)), "How long bounces for a rewritten reverse-path are taken."),
        .optional("seal", \.seal, SealConfiguration.type, otherwise: "no message is sealed",
                  "Seals what goes on to other hosts with ARC, so that they can believe what was found out here although SPF, and a signature that is broken on the way, fail there. Only mail that `verification` looks at is sealed.",
                  reference: "RFC 8617 §5.1"),
    ] }

    /// The secrets in a file's text: its lines without blanks around them.
    public static func secrets(in text: String) -> [[UInt8]] {
        // By octets: as characters, CRLF is one, and no LF.
        Array(text.utf8).split(separator: UInt8(ascii: "\n")).map { Array($0).trimmingBlanks }.filter { !$0.isEmpty }
    }
}

extension [UInt8] {
    /// The octets between the first and the last that is no space, tab or CR.
    fileprivate var trimmingBlanks: [UInt8] {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
        guard let start = firstIndex(where: { !isBlank($0) }), let end = lastIndex(where: { !isBlank($0) }) else { return [] }
        return Array(self[start...end])
    }
}

import MessageFormat

/// How senders hear of mail that cannot be delivered.
public struct BounceConfiguration: Hashable, Sendable {
    /// What happens to a bounce that cannot be delivered.
    public enum DoubleBounces: String, Hashable, Sendable, CaseIterable {
        /// The postmaster gets it.
        case postmaster
        /// It is dropped and counted.
        case drop
    }

    /// Who gets bounces that cannot be bounced; nil for postmaster at the host's name or the local domain that it lies in.
    public var postmaster: EmailAddress?
    /// The author that bounces show; nil for MAILER-DAEMON at the host's name.
    public var from: EmailAddress?
    /// A directory of texts that replace the built-in ones.
    public var templates: String?
    /// Octets of the message that a bounce returns.
    public var maxReturned = 50_000
    /// What happens to a bounce that cannot be delivered.
    public var doubleBounces = DoubleBounces.postmaster

    /// The documented defaults.
    public init() {}

    static var keys: [Key<BounceConfiguration>] { [
        .optional("postmaster", \.postmaster, .emailAddress, otherwise: "`postmaster@` and the local domain that the host's name is or lies in, or else that name",
                  "Who gets mail for `<postmaster>`, for the postmaster of local domains that have none, and bounces that cannot be bounced.",
                  reference: "RFC 5321 §4.5.1"),
        .optional("from", \.from, .emailAddress, otherwise: "`MAILER-DAEMON@` and the host's name", "The author that bounces show."),
        .optional("templates", \.templates, .path("directory"), otherwise: "built-in texts",
                  "A directory of texts that replace the built-in ones: `failed.txt`, `delayed.txt`, `success.txt` and `double-bounce.txt`. Each begins with a line `Subject: …` and an empty one; `{{name}}` stands for a value: `host`, `postmaster`, `sender`, `recipient`, `recipients`, `count`, `id`, `arrival`, `date`, `retry_until`, `original_subject`. A reload reads them again."),
        .value("maxReturned", \.maxReturned, .size(0 ... 1 << 26),
               "The most of a message that its bounce returns whole; of a larger one, the header alone is returned.", reference: "RFC 3461 §4.3"),
        .value("doubleBounces", \.doubleBounces, .choice,
               "What happens to a bounce that cannot be delivered: the `postmaster` gets it, or it is `drop`ped and counted."),
    ] }
}

import MessageFormat
import Ports

/// Whether senders are verified.
public enum VerificationMode: String, Hashable, Sendable, CaseIterable {
    case off, log, enforce
}

/// What is done about a sender that SPF refuses.
public enum SPFFailureAction: String, Hashable, Sendable, CaseIterable {
    case accept, reject
}

/// What is done with mail whose author's domain asks that it be rejected.
public enum DMARCRejectAction: String, Hashable, Sendable, CaseIterable {
    case honour, quarantine, tag
}

/// What quarantine means.
public enum QuarantineAction: String, Hashable, Sendable, CaseIterable {
    case hold, tag
}

/// What is done with mail without a single author.
public enum AuthorlessAction: String, Hashable, Sendable, CaseIterable {
    case reject, accept
}

/// How senders are verified, and what follows.
public struct VerificationConfiguration: Hashable, Sendable {
    /// Whether senders are verified at listeners that speak SMTP.
    public var mode = VerificationMode.log
    /// The name in `Authentication-Results`.
    public var authservID: Domain?
    /// What is done where SPF fails.
    public var spfFail = SPFFailureAction.accept
    /// What is done where DMARC says reject.
    public var dmarcReject = DMARCRejectAction.honour
    /// What is done where DMARC says quarantine.
    public var quarantine = QuarantineAction.tag
    /// What is done without a single author.
    public var authorless = AuthorlessAction.reject
    /// Clients whose mail is forwarded.
    public var trustedForwarders: [IPNetwork] = []
    /// Sealers whose word on DMARC counts.
    public var trustedSealers: [Domain] = []
    /// Author domains whose policy has no consequences.
    public var exemptAuthors: [Domain] = []
    /// DNS questions for one message.
    public var maxLookups = 100
    /// Time for DNS.
    public var timeout = Duration.seconds(20)

    /// The documented defaults.
    public init() {}

    static var keys: [Key<VerificationConfiguration>] { [
        .value("mode", \.mode, .choice,
               "`log` finds out what SPF, DKIM, DMARC and ARC say of mail from strangers, writes it into the message and the log, and refuses nothing; `enforce` does what the other keys say; `off` does nothing. For listeners with the dialect `smtp`; `verification` of a listener overrides it.",
               reference: "RFC 7208, RFC 6376, RFC 9989, RFC 8617"),
        .optional("authservID", \.authservID, .domain, otherwise: "`hostname`",
                  "The name that results are written under in `Authentication-Results`. Fields that come in under this name are taken out.",
                  reference: "RFC 8601 §2.5, §5"),
        .value("spfFail", \.spfFail, .choice,
               "Where SPF says `fail` for the reverse-path or the HELO name: `accept` leaves the decision to DMARC, `reject` answers recipients with 550 5.7.23.",
               reference: "RFC 7208 §8.4"),
        .value("dmarcReject", \.dmarcReject, .choice,
               "Where the author's domain asks for rejection: `honour` answers 550 5.7.26, `quarantine` does what `quarantine` says, `tag` takes the message with the field `X-Baton-Quarantine`.",
               reference: "RFC 9989 §4.7"),
        .value("quarantine", \.quarantine, .choice,
               "Where the author's domain asks for quarantine: `hold` keeps the message in the queue until `baton queue release`, `tag` takes it with the field `X-Baton-Quarantine`, for mailbox rules."),
        .value("authorless", \.authorless, .choice,
               "Mail that does not have exactly one `From` field with exactly one address: `reject` answers 550 5.6.0. Programs disagree about whom such mail is from.",
               reference: "RFC 9989 §4.3"),
        .value("trustedForwarders", \.trustedForwarders, .list(of: .network),
               "Clients that forward mail to us: what SPF and DMARC say of theirs is written down and has no consequences."),
        .value("trustedSealers", \.trustedSealers, .list(of: .domain),
               "Domains whose ARC seal counts: where one says that DMARC passed before it forwarded a message, the policy has no consequences.",
               reference: "RFC 8617 §7.2.1"),
        .value("exemptAuthors", \.exemptAuthors, .list(of: .domain),
               "Author domains, with all below them, whose DMARC policy has no consequences."),
        .value("maxLookups", \.maxLookups, .count(20...1000), "DNS questions for one message, over all methods; what comes after counts as unanswered."),
        .value("timeout", \.timeout, .duration(.seconds(1) ... .minutes(1)),
               "Time for the questions about the envelope, and again for those about the message.", reference: "RFC 7208 §4.6.4 asks for 20s at least"),
    ] }
}

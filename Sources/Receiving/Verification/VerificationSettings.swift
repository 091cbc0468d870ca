import MessageFormat
import Ports

/// Whether senders are verified, and what follows from it.
public struct VerificationSettings: Sendable {
    /// Whether results have consequences.
    public enum Mode: Hashable, Sendable {
        /// Results are written down; no message is refused or held for them.
        case log
        /// What is refused or held is decided by the other settings.
        case enforce
    }

    /// What is done about a sender that SPF says may not send from the client.
    public enum SPFFailure: Hashable, Sendable {
        /// Nothing by itself: DMARC decides.
        case accept
        /// Its recipients are refused with 550 5.7.23 (RFC 7372 §3.2).
        case reject
    }

    /// What is done with a message whose author's domain asks that it be rejected (RFC 9989 §4.7).
    public enum DMARCRejection: Hashable, Sendable {
        /// It is refused with 550 5.7.26 (RFC 7372 §3.2).
        case honour
        /// It is treated as if quarantine had been asked for.
        case quarantine
        /// It is taken, with a field that says so.
        case tag
    }

    /// What quarantine means here.
    public enum Quarantine: Hashable, Sendable {
        /// The message waits until an operator releases it.
        case hold
        /// It is taken, with a field that says so.
        case tag
    }

    /// What is done with a message that has no single author (RFC 5322 §3.6.2, RFC 9989 §4.3).
    public enum Authorless: Hashable, Sendable {
        /// It is refused with 550 5.6.0.
        case reject
        /// It is taken.
        case accept
    }

    /// Who verifies: the authserv-id of the fields that are added (RFC 8601 §2.5).
    public var service: Domain
    /// Whether results have consequences.
    public var mode = Mode.log
    /// What is done where SPF fails.
    public var spfFailure = SPFFailure.accept
    /// What is done where DMARC says reject.
    public var dmarcRejection = DMARCRejection.honour
    /// What is done where DMARC says quarantine.
    public var quarantine = Quarantine.tag
    /// What is done without a single author.
    public var authorless = Authorless.reject
    /// Clients that forward mail to us: SPF and DMARC have no consequences for theirs.
    public var trustedForwarders: [IPNetwork] = []
    /// Domains whose word on DMARC, sealed with ARC, counts (RFC 8617 §7.2.1).
    public var trustedSealers: Set<Domain> = []
    /// Author domains, with all below them, whose policy has no consequences.
    public var exemptAuthors: [Domain] = []
    /// DNS questions for one message.
    public var maxLookups = 100
    /// Time for those of SPF, and for those of the complete message.
    public var timeout = Duration.seconds(20)
    /// Octets of a header section that is looked at.
    public var headerLimits = HeaderLimits.standard

    /// Verification in the name of `service`, without consequences.
    public init(service: Domain) { self.service = service }

    /// Whether what DMARC and SPF say of mail from `client` has consequences.
    func isTrusted(_ client: IPAddress) -> Bool { trustedForwarders.contains { $0.contains(client) } }
}

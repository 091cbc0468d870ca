import MailAuth
import MessageFormat

/// Which mail gets an ARC set before it goes on to other hosts, and by whose key (RFC 8617 §5.1).
///
/// Only mail that was verified as it came is sealed: a set tells what was found out.
public struct SealingRules: Sendable {
    /// What is sealed.
    public enum Scope: Hashable, Sendable {
        /// Messages that an alias leads out of our domains.
        case forwarded
        /// These, and messages for the domains that mail is taken for and passed on.
        case relayed
    }

    /// Makes the sets.
    public var sealer: ARCSealer
    /// Whose Authentication-Results are sealed: the authserv-id of this host.
    public var service: Domain
    /// What is sealed.
    public var scope: Scope

    /// Rules for mail that goes on.
    public init(sealer: ARCSealer, service: Domain, scope: Scope = .forwarded) {
        self.sealer = sealer
        self.service = service
        self.scope = scope
    }
}

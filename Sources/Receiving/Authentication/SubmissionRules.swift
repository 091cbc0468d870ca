import MessageFormat
import SMTP

/// How clients of a listener authenticate, and what they may do once they have.
public struct SubmissionRules: Sendable {
    /// What becomes of mail from an address that the account may not use.
    public enum SenderCheck: Hashable, Sendable {
        /// It is refused.
        case enforce
        /// It is taken, and noted.
        case log
        /// Nobody looks.
        case off
    }

    /// Finds out who clients are.
    public var authenticator: any Authenticator
    /// What becomes of a reverse-path that the account may not use.
    public var reversePath = SenderCheck.enforce
    /// What becomes of an address in From that the account may not use.
    public var author = SenderCheck.enforce

    /// The rules of a listener whose clients `authenticator` knows.
    public init(authenticator: any Authenticator) { self.authenticator = authenticator }
}

/// An address that an account used without leave.
public struct SenderMismatch: Hashable, Sendable {
    /// Where an address stood.
    public enum Place: Hashable, Sendable {
        /// In MAIL.
        case reversePath
        /// In the header field From.
        case author
    }

    /// The account.
    public var account: String
    /// The address; nil where the field cannot be read.
    public var address: EmailAddress?
    /// Where it stood.
    public var place: Place
}

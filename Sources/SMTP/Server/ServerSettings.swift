import MessageFormat
import Ports

/// What a server session allows and says; the defaults are those of an open listener.
public struct ServerSettings: Hashable, Sendable {
    /// What becomes of a NUL in a message that was not announced as BINARYMIME.
    public enum NULPolicy: Hashable, Sendable {
        /// The message is refused (RFC 6152 §3, RFC 5321 §4.5.2).
        case refuse
        /// The message is taken as it is.
        case keep
    }

    /// What becomes of a message whose header section ends in a line that is neither field nor empty.
    public enum MalformedHeaderPolicy: Hashable, Sendable {
        /// The message is refused.
        case refuse
        /// The message is taken as it is.
        case keep
    }

    /// The name that the server gives itself.
    public var hostname = "localhost"
    /// Which protocol it speaks.
    public var dialect = Dialect.smtp
    /// Whether STARTTLS is offered (RFC 3207).
    public var offersStartTLS = false
    /// Whether mail is taken under TLS only (RFC 3207 §4).
    public var requiresTLS = false
    /// How clients authenticate; nil when AUTH is not offered (RFC 4954).
    public var authentication: AuthenticationSettings?
    /// Whether MAIL and RCPT also take an address without `<` and `>`.
    public var brackets = PathParser.Brackets.required
    /// The longest local part and path.
    public var addressLimits = AddressLimits.standard
    /// What becomes of a NUL in a message.
    public var nulPolicy = NULPolicy.refuse
    /// What becomes of a malformed header section.
    public var malformedHeaderPolicy = MalformedHeaderPolicy.keep

    /// The largest message, in octets (RFC 1870).
    public var maxMessageSize = 50 << 20
    /// The longest command line with its CRLF (RFC 5321 §4.5.3.1.4).
    public var maxCommandLine = 2048
    /// The longest line of a message (RFC 5321 §4.5.3.1.6); lines over 998 octets are only flagged.
    public var maxTextLine = 1 << 20
    /// Octets and fields of the header section.
    public var headerLimits = HeaderLimits.standard
    /// Hops after which a message is held to loop (RFC 5321 §6.3).
    public var maxHops = 50
    /// Recipients in one transaction (RFC 5321 §4.5.3.1.8).
    public var maxRecipients = 1000
    /// Transactions in one connection.
    public var maxMessages = 100
    /// Errors after which each further one is answered late.
    public var softErrorLimit = 10
    /// Errors after which the connection is closed.
    public var hardErrorLimit = 20
    /// How late an error is answered after the soft limit.
    public var errorDelay = Duration.seconds(1)
    /// Commands without effect between two messages, after which each counts as an error.
    public var maxJunkCommands = 100
    /// Body octets kept in memory; larger messages are handed on in chunks of about this size.
    public var largeMessageThreshold = 256 << 10

    /// Time for a command line to come in whole (RFC 5321 §4.5.3.2.7).
    public var commandTimeout = Duration.minutes(5)
    /// Time between two pieces of a message (RFC 5321 §4.5.3.2.5).
    public var dataTimeout = Duration.minutes(3)
    /// Octets of a message a second below which the connection is closed in the end.
    public var minDataRate = 500

    /// The settings of an open listener.
    public init() {}
}

import MessageFormat

/// A command of the client, parsed (RFC 5321 §4.1.1 and the extensions).
public enum Command: Hashable, Sendable {
    /// `EHLO`, `HELO` or `LHLO` with the client's name for itself.
    case hello(HelloVerb, name: String)
    /// `MAIL FROM:<reverse-path> parameters`.
    case mail(MailCommand)
    /// `RCPT TO:<forward-path> parameters`.
    case rcpt(RcptCommand)
    /// `DATA`.
    case data
    /// `BDAT size [LAST]` (RFC 3030).
    case bdat(size: Int, isLast: Bool)
    /// `RSET`.
    case rset
    /// `NOOP`, with or without an argument that nobody reads.
    case noop
    /// `VRFY string`.
    case vrfy
    /// `EXPN string`.
    case expn
    /// `HELP`, with or without an argument.
    case help
    /// `QUIT`.
    case quit
    /// `STARTTLS` (RFC 3207).
    case startTLS
    /// `AUTH mechanism [initial-response]` (RFC 4954).
    case auth(mechanism: String, initialResponse: [UInt8]?)
    /// `XCLIENT name=value…` (Postfix's XCLIENT_README).
    case xclient([ClientAttribute])
    /// `XFORWARD name=value…` (Postfix's XFORWARD_README).
    case xforward([ClientAttribute])
    /// A command that is known but not offered, such as ETRN.
    case notOffered
    /// The first line of an HTTP request.
    case http
}

/// How the client said hello.
public enum HelloVerb: Hashable, Sendable {
    /// `HELO`: no extensions (RFC 5321 §4.1.1.1).
    case helo
    /// `EHLO` (RFC 5321 §4.1.1.1).
    case ehlo
    /// `LHLO` (RFC 2033 §4.1).
    case lhlo
}

/// `MAIL FROM` with its parameters (RFC 5321 §4.1.1.2).
public struct MailCommand: Hashable, Sendable {
    /// Whom failures are reported to.
    public var reversePath: ReversePath
    /// What the client said of the message.
    public var parameters: MailParameters
    /// Whether the path was written with octets above 127 (RFC 6531 §3.3).
    public var isInternational: Bool

    /// The command with its parts.
    public init(reversePath: ReversePath, parameters: MailParameters = MailParameters(), isInternational: Bool = false) {
        self.reversePath = reversePath
        self.parameters = parameters
        self.isInternational = isInternational
    }
}

/// `RCPT TO` with its parameters (RFC 5321 §4.1.1.3); once accepted, a recipient of the message.
public struct RcptCommand: Hashable, Sendable {
    /// Where the message is to go.
    public var forwardPath: ForwardPath
    /// What the client wants for this recipient.
    public var parameters: RcptParameters
    /// Whether the path was written with octets above 127 (RFC 6531 §3.3).
    public var isInternational: Bool

    /// The command with its parts.
    public init(forwardPath: ForwardPath, parameters: RcptParameters = RcptParameters(), isInternational: Bool = false) {
        self.forwardPath = forwardPath
        self.parameters = parameters
        self.isInternational = isInternational
    }
}

/// One attribute of XCLIENT or XFORWARD.
public struct ClientAttribute: Hashable, Sendable {
    /// The attributes of both commands.
    public enum Name: String, Hashable, Sendable, CaseIterable {
        case name = "NAME", addr = "ADDR", port = "PORT", proto = "PROTO", helo = "HELO"
        case login = "LOGIN", destaddr = "DESTADDR", destport = "DESTPORT", ident = "IDENT", source = "SOURCE"
    }

    /// Which attribute.
    public var name: Name
    /// The value, decoded and without control characters; nil for `[UNAVAILABLE]` and `[TEMPUNAVAIL]`.
    public var value: String?

    /// The attribute with its value.
    public init(_ name: Name, _ value: String?) {
        self.name = name
        self.value = value
    }

    /// What XCLIENT takes.
    public static let xclientNames: [Name] = [.name, .addr, .port, .proto, .helo, .login, .destaddr, .destport]
    /// What XFORWARD takes.
    public static let xforwardNames: [Name] = [.name, .addr, .port, .proto, .helo, .ident, .source]
}

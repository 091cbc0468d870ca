extension Reply {
    // MARK: Success

    /// Answer to QUIT (RFC 5321 §4.1.1.10).
    public static let closing = Reply(221, .init(2, 0, 0), "Bye")
    /// MAIL taken (RFC 5321 §4.1.1.2).
    public static let senderOK = Reply(250, .init(2, 1, 0), "Sender OK")
    /// RCPT taken (RFC 5321 §4.1.1.3).
    public static let recipientOK = Reply(250, .init(2, 1, 5), "Recipient OK")
    /// RSET, NOOP or XFORWARD done (RFC 5321 §4.1.1.5, §4.1.1.9).
    public static let done = Reply(250, .init(2, 0, 0), "OK")
    /// The whole message taken, where the host has no text of its own (RFC 5321 §4.1.1.4).
    public static let messageOK = Reply(250, .init(2, 0, 0), "Message accepted")
    /// VRFY that neither confirms nor denies (RFC 5321 §3.5.3, §7.3).
    public static let cannotVerify = Reply(252, .init(2, 5, 0), "Cannot VRFY; send some mail and see")
    /// HELP (RFC 5321 §4.1.1.8).
    public static let help = Reply(214, .init(2, 0, 0), "See RFC 5321")
    /// STARTTLS may begin (RFC 3207 §4).
    public static let readyForTLS = Reply(220, .init(2, 0, 0), "Ready to start TLS")
    /// DATA may begin (RFC 5321 §4.1.1.4).
    public static let startMailInput = Reply(354, nil, "End data with <CR><LF>.<CR><LF>")

    // MARK: Closing (RFC 5321 §3.8, §4.2.4.2)

    /// The server stops.
    public static let shuttingDown = Reply(421, .init(4, 3, 2), "Shutting down, try again later")
    /// The client was silent or slow for too long.
    public static let timedOut = Reply(421, .init(4, 4, 2), "Timed out, closing connection")
    /// More errors than a sane client makes.
    public static let tooManyErrors = Reply(421, .init(4, 7, 0), "Too many errors, closing connection")
    /// The limit of transactions in a session is reached (RFC 9422 §4.1).
    public static let tooManyMessages = Reply(421, .init(4, 5, 3), "Too many messages, open a new connection")
    /// The server has no room for another connection.
    public static let tooManyConnections = Reply(421, .init(4, 3, 2), "Too many connections, try again later")
    /// The client has too many connections.
    public static let tooManyFromClient = Reply(421, .init(4, 7, 0), "Too many connections from your host, try again later")
    /// Another protocol's request line instead of an SMTP command.
    public static let notHTTP = Reply(502, .init(5, 7, 0), "This is an SMTP server, goodbye")
    /// A command line that ends in a bare LF (RFC 5321 §2.3.8).
    public static let bareLineFeedInCommand = Reply(500, .init(5, 5, 2), "Command lines must end in CRLF, goodbye")

    // MARK: Syntax and sequence (RFC 5321 §4.2.4)

    /// The command is not known.
    public static let unknownCommand = Reply(500, .init(5, 5, 1), "Unknown command")
    /// The line holds octets that no command may hold.
    public static let badSyntax = Reply(500, .init(5, 5, 2), "Syntax error")
    /// The line is longer than the server takes.
    public static let lineTooLong = Reply(500, .init(5, 5, 6), "Line too long")
    /// The command takes no such argument.
    public static let badArgument = Reply(501, .init(5, 5, 4), "Syntax error in argument")
    /// A command that needs an argument came without.
    public static let missingArgument = Reply(501, .init(5, 5, 4), "Argument missing")
    /// The argument of EHLO, HELO or LHLO is no domain or address literal.
    public static let badHello = Reply(501, .init(5, 5, 2), "Syntax error: domain or address literal expected")
    /// The reverse-path cannot be read.
    public static let badReversePath = Reply(501, .init(5, 1, 7), "Syntax error in sender address")
    /// The forward-path cannot be read.
    public static let badForwardPath = Reply(501, .init(5, 1, 3), "Syntax error in recipient address")
    /// A parameter has a value it cannot have.
    public static let badParameter = Reply(501, .init(5, 5, 4), "Syntax error in parameter")
    /// A parameter of no extension that was offered (RFC 5321 §4.1.1.11).
    public static let unsupportedParameter = Reply(555, .init(5, 5, 4), "Parameter not supported")
    /// A known command that this server does not offer.
    public static let notImplemented = Reply(502, .init(5, 5, 1), "Command not implemented")
    /// The command is not in its place.
    public static let badSequence = Reply(503, .init(5, 5, 1), "Bad sequence of commands")
    /// EHLO, HELO or LHLO must come first.
    public static let helloFirst = Reply(503, .init(5, 5, 1), "Say hello first")
    /// MAIL inside a transaction.
    public static let nestedMail = Reply(503, .init(5, 5, 1), "Sender already given")
    /// RCPT, DATA or BDAT without MAIL.
    public static let mailFirst = Reply(503, .init(5, 5, 1), "Sender not yet given")
    /// DATA or BDAT when no RCPT was taken (RFC 5321 §3.3).
    public static let noRecipients = Reply(554, .init(5, 5, 1), "No valid recipients")
    /// DATA when no RCPT was taken, in LMTP (RFC 2033 §4.2).
    public static let noRecipientsLMTP = Reply(503, .init(5, 5, 1), "No valid recipients")
    /// DATA for a message that needs BDAT (RFC 3030 §3).
    public static let binaryNeedsChunks = Reply(503, .init(5, 5, 1), "BINARYMIME needs BDAT")
    /// A command that is served under TLS only (RFC 3207 §4).
    public static let tlsFirst = Reply(530, .init(5, 7, 0), "Must issue a STARTTLS command first")
    /// An encoding of AUTH that is not known (RFC 4954 §4).
    public static let unknownMechanism = Reply(504, .init(5, 5, 4), "Authentication mechanism not supported")
    /// AUTH where none is offered (RFC 4954 §4).
    public static let authenticationNotOffered = Reply(503, .init(5, 5, 1), "Authentication not available")
    /// XCLIENT or XFORWARD from a client that may not use it.
    public static let notAuthorized = Reply(550, .init(5, 7, 0), "Not authorized")
    /// A UTF-8 address in a transaction without SMTPUTF8 (RFC 6531 §3.5).
    public static let utf8AddressNeedsSMTPUTF8 = Reply(553, .init(5, 6, 7), "Address needs SMTPUTF8")

    // MARK: Policy of addresses

    /// No such mailbox (RFC 3463 §3.2).
    public static let unknownRecipient = Reply(550, .init(5, 1, 1), "Unknown recipient")
    /// The client may not relay to that domain (RFC 5321 §3.6.2).
    public static let relayDenied = Reply(554, .init(5, 7, 1), "Relay access denied")
    /// More recipients than a transaction may have (RFC 5321 §4.5.3.1.10).
    public static let tooManyRecipients = Reply(452, .init(4, 5, 3), "Too many recipients")

    // MARK: Message

    /// The message is, or says it is, over the size limit (RFC 1870 §6).
    public static let messageTooLarge = Reply(552, .init(5, 3, 4), "Message too large")
    /// A bare CR or LF in the message (RFC 5321 §2.3.8).
    public static let bareLineBreak = Reply(554, .init(5, 5, 2), "Bare CR or LF in message")
    /// A NUL in a message without BINARYMIME (RFC 6152 §3).
    public static let nulInMessage = Reply(554, .init(5, 6, 0), "NUL in message")
    /// A text line longer than the server takes (RFC 5321 §4.5.3.1.6).
    public static let textLineTooLong = Reply(554, .init(5, 6, 0), "Line too long in message")
    /// A header section over the limit of octets or fields.
    public static let headerTooLarge = Reply(552, .init(5, 3, 4), "Message header too large")
    /// A header section that ends in a line that is neither field nor empty (RFC 5322 §2.1).
    public static let malformedHeader = Reply(554, .init(5, 6, 0), "Malformed message header")
    /// More Received fields than any sane route leaves (RFC 5321 §6.3).
    public static let tooManyHops = Reply(554, .init(5, 4, 6), "Too many hops")
    /// The queue cannot take the message now (RFC 5321 §4.2.2).
    public static let queueFailed = Reply(451, .init(4, 3, 0), "Queue error, try again later")
    /// No room for the message now (RFC 3463 §3.4).
    public static let insufficientStorage = Reply(452, .init(4, 3, 1), "Insufficient system storage, try again later")
}

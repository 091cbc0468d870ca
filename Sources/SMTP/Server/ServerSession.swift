import MessageFormat
import Ports

/// The server's side of one SMTP or LMTP connection, without any input or output of its own (RFC 5321, RFC 2033).
///
/// The host gives it what came in with `receive`, then calls `next` and does what that says until it
/// says `needInput`, `waiting` or `close`; replies collect in `output`. How the input was cut into
/// pieces changes nothing about the dialog. Memory is bounded: one command line, one part of a
/// message, and what the host gave at once.
public struct ServerSession: ~Copyable {
    /// What the session is busy with.
    enum Phase {
        /// Before the greeting.
        case opening
        /// A question is with the host.
        case asking(Question)
        /// Between commands.
        case command
        /// Within DATA or a chunk of BDAT.
        case content
        /// A part of a message is with the host.
        case storing(since: Timestamp)
        /// A message for this many recipients is with the host.
        case committing(recipients: Int)
        /// Counting off a chunk that is refused with this reply.
        case skippingChunk(remaining: Int, Reply)
        /// An error is answered late.
        case delaying(Reply, until: Timestamp)
        /// TLS is being started.
        case startingTLS
        /// A challenge of AUTH is out.
        case authenticating
        /// The end.
        case closing(CloseReason)
    }

    let profile: ServerProfile
    /// What the client may do beside sending mail.
    public var permissions: Permissions
    /// Who the client is.
    public internal(set) var identity: ClientIdentity
    /// What TLS the stream is under; nil in the clear.
    public internal(set) var tls: TLSSummary?
    /// The client's name for itself; nil before it said hello.
    public internal(set) var helloName: String?
    /// How the client said hello.
    public internal(set) var helloVerb = HelloVerb.helo
    /// Time for a command line to come in whole; the host shortens it under stress.
    public var commandTimeout: Duration
    /// When the host must call `timerFired`; moves with every action.
    public private(set) var deadline = Timestamp.distantFuture
    /// Replies that the host has not taken yet.
    var output: [UInt8] = []

    var phase = Phase.opening
    var transaction: Transaction?
    var forwarded: ForwardedIdentity?
    var authentication = AuthenticationState()
    /// The greeting was a refusal: nothing but QUIT is served (RFC 5321 §3.1).
    var isRefused = false
    var now = Timestamp.distantPast
    /// Parts of a transaction that was dropped are with the host, who is still to be told.
    private var mustAbandon = false
    private(set) var transactionCount = 0
    private var errorCount = 0
    /// Commands that were answered with an error, over the whole session.
    public private(set) var totalErrors = 0
    private var junkCount = 0
    private var isDraining = false

    var input = InputBuffer()
    private var framer: LineFramer
    /// When the wait for the current command line began.
    private var waitingSince: Timestamp?
    /// When the current message began to come in, later by the time that the host took.
    private var contentStart = Timestamp.distantPast
    private var contentOctets = 0

    /// A session that greets `client` at the first `next`.
    public init(_ profile: ServerProfile, client: ClientIdentity, permissions: Permissions = [], tls: TLSSummary? = nil) {
        self.profile = profile
        self.permissions = permissions
        self.tls = tls
        identity = client
        commandTimeout = profile.settings.commandTimeout
        framer = LineFramer(lineOctetsMax: profile.settings.maxCommandLine)
        if let tls { takeCertificate(of: tls) }
    }

    /// Whether the stream is under TLS.
    public var isTLS: Bool { tls != nil }

    /// Whether there are replies to write.
    public var hasOutput: Bool { !output.isEmpty }

    /// Whether MAIL was accepted and its transaction is still open.
    public var isInTransaction: Bool { transaction != nil }

    /// The sender of the transaction that is open; nil between transactions.
    public var mail: MailCommand? {
        switch transaction {
        case .some(let open): open.mail
        case .none: nil
        }
    }

    /// How many recipients the open transaction has.
    public var recipientCount: Int {
        switch transaction {
        case .some(let open): open.recipients.count
        case .none: 0
        }
    }

    /// Takes the replies that have collected.
    public mutating func takeOutput() -> [UInt8] {
        let bytes = output
        output = []
        return bytes
    }

    /// Takes bytes from the client.
    public mutating func receive(_ bytes: UnsafeRawBufferPointer) {
        switch phase {
        case .startingTLS, .closing:
            // After STARTTLS plaintext is worth nothing (RFC 3207 §4.2).
            return
        case .content where input.isEmpty:
            // The common case of a message: straight from the network into the body.
            let used = decodeContent(bytes)
            if used < bytes.count { input.append(UnsafeRawBufferPointer(rebasing: bytes[used...])) }
        default:
            input.append(bytes)
        }
    }

    /// Goes on as far as possible and tells what the host must do.
    public mutating func next(at now: Timestamp) -> ServerAction {
        self.now = now
        while true {
            // Before anything else: the parts must not be taken for those of the next message.
            if mustAbandon {
                mustAbandon = false
                return .abandon
            }
            switch phase {
            case .opening:
                return ask(.connect(identity))
            case .asking, .storing, .committing, .startingTLS:
                deadline = .distantFuture
                return .waiting
            case .delaying(let reply, let until):
                guard now >= until else {
                    deadline = until
                    return .waiting
                }
                phase = .command
                reply.append(to: &output)
            case .command, .authenticating:
                if let action = nextLine() { return action }
            case .content:
                if let action = nextContent() { return action }
            case .skippingChunk(let remaining, let reply):
                let used = min(remaining, input.count)
                input.consume(used)
                noteInput(used)
                guard used == remaining else {
                    phase = .skippingChunk(remaining: remaining - used, reply)
                    return needContent()
                }
                phase = .command
                refuse(reply)
            case .closing(let reason):
                deadline = .distantFuture
                return .close(reason)
            }
        }
    }

    /// Tells that `deadline` has come; `next` then says what follows.
    public mutating func timerFired(at now: Timestamp) {
        self.now = now
        guard now >= deadline else { return }
        switch phase {
        case .command, .authenticating, .content, .skippingChunk: close(.timedOut, with: .timedOut)
        case .opening, .asking, .storing, .committing, .delaying, .startingTLS, .closing: break
        }
    }

    /// Ends the session with 421 as soon as no transaction is open (RFC 5321 §3.8).
    public mutating func shutDown() { isDraining = true }

    /// Tells that TLS is up: the session starts anew without a greeting (RFC 3207 §4.2).
    public mutating func tlsEstablished(_ summary: TLSSummary) {
        guard case .startingTLS = phase else { return }
        tls = summary
        identity.login = nil
        takeCertificate(of: summary)
        authentication = AuthenticationState()
        helloName = nil
        reset()
        input.removeAll()
        framer.reset()
        phase = .command
    }
}

// MARK: - Commands

extension ServerSession {
    /// Replies in `output` from which on the host must write before more is read.
    private static let outputOctetsMax = 16 << 10

    /// The next command, or the next response to a challenge of AUTH.
    private mutating func nextLine() -> ServerAction? {
        if isDraining, !isInTransaction {
            close(.shuttingDown, with: .shuttingDown)
            return nil
        }
        if output.count >= ServerSession.outputOctetsMax {
            // A client that does not take its replies has no more time than one that does not send.
            awaitCommand()
            return .flush
        }
        framer.lineOctetsMax = lineOctetsMax
        switch input.withUnsafeBytes({ framer.next(in: $0) }) {
        case .incomplete(let consumed):
            input.consume(consumed)
            awaitCommand()
            return .needInput
        case .line(let count):
            waitingSince = nil
            if case .authenticating = phase {
                let response = input.withUnsafeBytes { Array($0[..<count]) }
                input.consume(count + 2)
                return takeResponse(response)
            }
            let parsed = input.withUnsafeBytes { parse(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            input.consume(count + 2)
            return perform(parsed)
        case .bareLineFeed:
            waitingSince = nil
            close(.notSMTP, with: .bareLineFeedInCommand)
            return nil
        case .tooLong(let consumed):
            waitingSince = nil
            input.consume(consumed)
            if case .authenticating = phase { return fail(.authenticationResponseTooLong) }
            refuse(.lineTooLong)
            return nil
        }
    }

    /// Starts the clock of the next command, unless it runs already.
    private mutating func awaitCommand() {
        let since = waitingSince ?? now
        waitingSince = since
        deadline = since + commandTimeout
    }

    /// A line as a command, or as the reply that refuses it.
    enum Parsed {
        case command(Command)
        case refusal(Reply, Verb?)
    }

    private func parse(_ line: UnsafeRawBufferPointer) -> Parsed {
        let line = line.assumingMemoryBound(to: UInt8.self)
        let (verb, argument) = profile.parser.verb(of: line)
        guard verb == .auth || line.count + 2 <= profile.settings.maxCommandLine else { return .refusal(.lineTooLong, nil) }
        guard let verb else { return .refusal(.unknownCommand, nil) }
        // No command may hold controls; checked once here, for every argument.
        guard line.allSatisfy({ $0 >= Octet.space && $0 != 0x7f }) else { return .refusal(.badSyntax, verb) }
        do { return .command(try profile.parser.parse(verb, argument)) } catch { return .refusal(error.reply, verb) }
    }

    /// Asks the host.
    mutating func ask(_ question: Question) -> ServerAction {
        phase = .asking(question)
        deadline = .distantFuture
        return .decide(question)
    }

    /// Answers an error; late after some of them, and for the last time after too many.
    mutating func refuse(_ reply: Reply) {
        errorCount += 1
        totalErrors += 1
        if errorCount > profile.settings.hardErrorLimit {
            close(.tooManyErrors, with: .tooManyErrors)
        } else if errorCount > profile.settings.softErrorLimit {
            phase = .delaying(reply, until: now + profile.settings.errorDelay)
        } else {
            reply.append(to: &output)
        }
    }

    /// Answers a command that moves nothing; too many of them are errors.
    mutating func answerJunk(_ reply: Reply) {
        if isJunkTooMuch() { refuse(reply) } else { reply.append(to: &output) }
    }

    /// Counts a command that moves nothing; true when there were too many.
    mutating func isJunkTooMuch() -> Bool {
        junkCount += 1
        return junkCount > profile.settings.maxJunkCommands
    }

    /// Says `reply` and ends the connection.
    mutating func close(_ reason: CloseReason, with reply: Reply) {
        reply.append(to: &output)
        reset()
        input.removeAll()
        phase = .closing(reason)
    }

    /// Drops the transaction and all that belongs to it.
    mutating func reset() {
        if transaction?.isStreamed == true { mustAbandon = true }
        transaction = nil
        forwarded = nil
    }

    /// Opens a transaction; false when the connection has had its share.
    mutating func begin(_ mail: MailCommand) {
        transactionCount += 1
        transaction = Transaction(mail)
    }

    /// Forgives the errors of a client that has sent a message.
    mutating func forgive() {
        errorCount = 0
        junkCount = 0
    }
}

// MARK: - Time within a message

extension ServerSession {
    /// Starts the clock of a message.
    mutating func beginContent() {
        phase = .content
        contentStart = now
        contentOctets = 0
        waitingSince = nil
    }

    /// Does not count against the client what the host took to store a part.
    mutating func resumeContent(after since: Timestamp) {
        contentStart = contentStart + (now - since)
    }

    mutating func noteInput(_ octets: Int) {
        guard octets > 0 else { return }
        contentOctets &+= octets
        waitingSince = nil
    }

    /// Waits for more of a message: not too long for the next piece, and not too long over all.
    mutating func needContent() -> ServerAction {
        let settings = profile.settings
        let since = waitingSince ?? now
        waitingSince = since
        let earned = Duration.seconds(contentOctets / max(settings.minDataRate, 1))
        deadline = min(since + settings.dataTimeout, contentStart + settings.dataTimeout + earned)
        return .needInput
    }
}

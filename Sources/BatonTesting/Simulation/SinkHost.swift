import Ports

/// How a simulated mail host treats its clients; each value is a probability.
public struct SinkManners: Sendable {
    /// Greets with 421.
    public var greets421 = 0.0
    /// Greets with 554.
    public var greets554 = 0.0
    /// Never greets.
    public var greetsNot = 0.0
    /// Refuses EHLO; HELO goes.
    public var refusesEHLO = 0.0
    /// Answers MAIL with 451.
    public var defersMail = 0.0
    /// Answers RCPT with 450.
    public var defersRecipient = 0.0
    /// Answers RCPT with 550.
    public var refusesRecipient = 0.0
    /// Answers the second and later RCPT with 452.
    public var limitsRecipients = 0.0
    /// Answers DATA with 451.
    public var defersData = 0.0
    /// Answers the final dot with 451.
    public var defersContent = 0.0
    /// Answers the final dot with 554.
    public var refusesContent = 0.0
    /// Ends the connection at the final dot, without having taken the message.
    public var diesAtDot = 0.0
    /// Takes the message and ends the connection without a reply.
    public var diesAfterDot = 0.0
    /// Answers any command with 421 and ends the connection.
    public var closes421 = 0.0
    /// Answers with several lines, in pieces.
    public var answersAtLength = 0.0
    /// Offers STARTTLS.
    public var offersTLS = 0.0
    /// Offers STARTTLS and refuses it.
    public var refusesTLS = 0.0
    /// Answers without any delay.
    public var answersAtOnce = 0.5
    /// How long any other reply may take.
    public var replyDelay: ClosedRange<Duration> = .zero...(.milliseconds(20))

    /// A host without faults.
    public init() {}

    /// A host that does everything that hosts do.
    public static var rough: SinkManners {
        var manners = SinkManners()
        manners.greets421 = 0.03
        manners.greets554 = 0.02
        manners.greetsNot = 0.01
        manners.refusesEHLO = 0.05
        manners.defersMail = 0.03
        manners.defersRecipient = 0.06
        manners.refusesRecipient = 0.04
        manners.limitsRecipients = 0.05
        manners.defersData = 0.02
        manners.defersContent = 0.03
        manners.refusesContent = 0.02
        manners.diesAtDot = 0.02
        manners.diesAfterDot = 0.02
        manners.closes421 = 0.01
        manners.answersAtLength = 0.1
        manners.offersTLS = 0.5
        manners.refusesTLS = 0.1
        manners.replyDelay = .zero...(.seconds(2))
        return manners
    }

    /// The same without refusals for good.
    public var withoutRefusals: SinkManners {
        var manners = self
        manners.greets554 = 0
        manners.refusesRecipient = 0
        manners.refusesContent = 0
        return manners
    }
}

/// A mail host that takes mail into the ledger, as well as its manners allow.
public final class SinkHost: @unchecked Sendable {
    /// Its name, in greetings and in the ledger.
    public let name: String
    /// How it treats clients from now on.
    public var manners = SinkManners()
    /// Which protocol it speaks.
    public enum Dialect: Sendable {
        case smtp
        /// A reply for each recipient after the content (RFC 2033 §4.2).
        case lmtp
    }

    let dialect: Dialect
    let ledger: MailLedger
    let random: SeededRandom

    /// A host that draws from the seed of the world.
    public init(_ name: String, dialect: Dialect = .smtp, ledger: MailLedger, simulator: Simulator) {
        self.name = name
        self.dialect = dialect
        self.ledger = ledger
        random = simulator.random.fork()
    }

    /// The handler for a connection that comes in.
    public func accept(_ loop: any Loop) -> any ConnectionHandler { SinkSession(self, loop: loop) }
}

/// One connection to a `SinkHost`.
private final class SinkSession: ConnectionHandler, @unchecked Sendable {
    private enum Mode {
        case commands
        case content
        case over
    }

    private let host: SinkHost
    private let loop: any Loop
    private let manners: SinkManners
    private var connection: (any Connection)?
    private var mode = Mode.commands
    private var input = LineReader()
    private var isAnswering = false
    private var reversePath: String?
    private var recipients: [String] = []
    private var content: [UInt8] = []
    private var unconfirmed: [Int] = []
    private let refusesEHLO: Bool
    private let limitsRecipients: Bool
    private let offersTLS: Bool
    private var isSecure = false

    init(_ host: SinkHost, loop: any Loop) {
        self.host = host
        self.loop = loop
        manners = host.manners
        refusesEHLO = host.random.chance(manners.refusesEHLO)
        limitsRecipients = host.random.chance(manners.limitsRecipients)
        offersTLS = host.random.chance(manners.offersTLS)
    }

    func opened(_ connection: any Connection) {
        self.connection = connection
        if chance(manners.greetsNot, "host: no greeting") {
            mode = .over
        } else if chance(manners.greets421, "host: 421 greeting") {
            answer("421 4.3.2 busy", thenClose: true)
        } else if chance(manners.greets554, "host: 554 greeting") {
            answer("554 5.3.2 no service here", thenClose: true)
        } else {
            answer("220 \(host.name) ready")
        }
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        input.append(bytes)
        work()
    }

    func receivedAll() {}
    func writable() {}

    func closed(_ error: ConnectionError?) {
        connection = nil
        mode = .over
    }

    private func work() {
        while !isAnswering, mode != .over, let line = input.next() {
            if mode == .content { contentLine(line) } else { command(String(decoding: line, as: UTF8.self)) }
        }
    }

    private func contentLine(_ line: ArraySlice<UInt8>) {
        if line.elementsEqual([0x2e]) { return endOfContent() }
        content.append(contentsOf: line.first == 0x2e ? line.dropFirst() : line)
        content.append(13)
        content.append(10)
    }

    private func command(_ line: String) {
        for arrival in unconfirmed { host.ledger.confirmed(arrival, at: loop.now) }
        unconfirmed = []
        if chance(manners.closes421, "host: 421 in the dialog") { return answer("421 4.3.2 going down", thenClose: true) }
        let verb = line.prefix { $0 != " " }.uppercased()
        switch verb {
        case "EHLO" where host.dialect == .lmtp, "HELO" where host.dialect == .lmtp: answer("500 5.5.1 LHLO here")
        case "LHLO" where host.dialect == .lmtp: greet()
        case "EHLO": if refusesEHLO { refuseEHLO() } else { greet() }
        case "HELO", "RSET":
            forgetTransaction()
            answer("250 \(host.name)")
        case "NOOP": answer("250 2.0.0 ok")
        case "STARTTLS": startTLS()
        case "MAIL": mail(line)
        case "RCPT": recipient(line)
        case "DATA": data()
        case "QUIT": answer("221 2.0.0 bye", thenClose: true)
        default: answer("500 5.5.1 what?")
        }
    }

    private func refuseEHLO() {
        host.ledger.mark("host: EHLO refused")
        answer("502 5.5.1 not here")
    }

    private func greet() {
        forgetTransaction()
        let tls = offersTLS && !isSecure ? ["250-STARTTLS"] : []
        answer((["250-\(host.name)"] + tls + ["250-PIPELINING", "250-8BITMIME", "250-DSN", "250-SIZE 20000000", "250 ENHANCEDSTATUSCODES"])
            .joined(separator: "\r\n"))
    }

    private func startTLS() {
        guard offersTLS, !isSecure else { return answer("502 5.5.1 not here") }
        if chance(manners.refusesTLS, "host: STARTTLS refused") { return answer("454 4.7.0 not now") }
        forgetTransaction()
        answer("220 2.0.0 go", then: .tls)
    }

    func tlsEstablished(_ summary: TLSSummary) {
        host.ledger.mark("host: TLS")
        isSecure = true
        isAnswering = false
        input = LineReader()
    }

    private func mail(_ line: String) {
        guard reversePath == nil else { return answer("503 5.5.1 already") }
        if chance(manners.defersMail, "host: MAIL deferred") { return answer("451 4.3.0 not now") }
        reversePath = path(line)
        answer("250 2.1.0 ok")
    }

    private func recipient(_ line: String) {
        guard reversePath != nil else { return answer("503 5.5.1 MAIL first") }
        let path = path(line)
        if limitsRecipients, !recipients.isEmpty {
            host.ledger.mark("host: 452 too many recipients")
            return answer("452 4.5.3 too many recipients")
        }
        if chance(manners.defersRecipient, "host: RCPT deferred") { return answer("450 4.2.1 later") }
        if chance(manners.refusesRecipient, "host: RCPT refused") {
            host.ledger.refused(path)
            return answer("550 5.1.1 unknown")
        }
        recipients.append(path)
        answer("250 2.1.5 ok")
    }

    private func data() {
        guard reversePath != nil else { return answer("503 5.5.1 MAIL first") }
        guard !recipients.isEmpty else { return answer("554 5.5.1 no valid recipients") }
        if chance(manners.defersData, "host: DATA deferred") { return answer("451 4.3.0 not now") }
        mode = .content
        answer("354 go on")
    }

    private func endOfContent() {
        mode = .commands
        let taken = MailLedger.Arrival(host: host.name, reversePath: reversePath ?? "", recipients: recipients,
                                       content: content, time: loop.now)
        forgetTransaction()
        if host.dialect == .lmtp { return takeEach(taken) }
        if chance(manners.diesAtDot, "host: died at the dot") { return die() }
        if chance(manners.defersContent, "host: content deferred") { return answer("451 4.3.0 not now") }
        if chance(manners.refusesContent, "host: content refused") {
            for recipient in taken.recipients { host.ledger.refused(recipient) }
            return answer("554 5.6.0 no")
        }
        let index = host.ledger.arrived(taken)
        if chance(manners.diesAfterDot, "host: reply lost") { return die() }
        unconfirmed = [index]
        answer("250 2.0.0 taken")
    }

    private func takeEach(_ message: MailLedger.Arrival) {
        if chance(manners.diesAtDot, "host: died at the dot") { return die() }
        var replies: [String] = []
        for recipient in message.recipients {
            if chance(manners.defersContent, "host: LMTP recipient deferred") {
                replies.append("451 4.2.0 <\(recipient)> not now")
            } else if chance(manners.refusesContent, "host: LMTP recipient refused") {
                host.ledger.refused(recipient)
                replies.append("554 5.2.0 <\(recipient)> no")
            } else {
                unconfirmed.append(host.ledger.arrived(message.for(recipient)))
                host.ledger.mark("host: LMTP recipient taken")
                replies.append("250 2.1.5 <\(recipient)> taken")
            }
        }
        if chance(manners.diesAfterDot, "host: LMTP replies lost") { return die() }
        answer(replies.joined(separator: "\r\n"))
    }

    private func forgetTransaction() {
        reversePath = nil
        recipients = []
        content = []
    }

    private func die() {
        mode = .over
        connection?.abort()
    }

    private func path(_ line: String) -> String {
        guard let start = line.firstIndex(of: "<"), let end = line[start...].firstIndex(of: ">") else { return "" }
        return String(line[line.index(after: start)..<end])
    }

    private func chance(_ probability: Double, _ mark: String) -> Bool {
        guard probability > 0, host.random.chance(probability) else { return false }
        host.ledger.mark(mark)
        return true
    }

    /// What follows a reply.
    private enum Next {
        case commands
        case tls
        case close
    }

    private func answer(_ reply: String, thenClose closes: Bool = false) { answer(reply, then: closes ? .close : .commands) }

    private func answer(_ reply: String, then next: Next) {
        isAnswering = true
        var reply = reply
        if manners.answersAtLength > 0, !reply.isEmpty, host.random.chance(manners.answersAtLength), !reply.utf8.contains(13) {
            let code = reply.prefix(3)
            reply = "\(code)-first line\r\n\(code)-\r\n" + reply
        }
        if host.random.chance(manners.answersAtOnce) { return finish(reply, next) }
        _ = loop.schedule(at: loop.now + host.random.duration(in: manners.replyDelay)) { [reply] in self.finish(reply, next) }
    }

    private func finish(_ reply: String, _ next: Next) {
        connection?.write(Array((reply + "\r\n").utf8))
        switch next {
        case .close:
            mode = .over
            connection?.close()
        case .tls:
            // Nothing is read as a command before the handshake is over.
            connection?.startTLS(.server(SimulatedTLSServer(names: [host.name])), timeout: .seconds(30))
        case .commands:
            isAnswering = false
            connection?.flush()
            work()
        }
    }
}

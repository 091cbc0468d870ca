import MessageFormat
import Ports
import SMTP

/// One conversation that asks a server about one recipient: up to RCPT and no further.
///
/// It is as protected as a delivery to the host would be: who a host serves is nobody else's business.
///
/// Confined to its loop; `@unchecked Sendable` so that timers of that loop may hold it.
final class RecipientProbe: ConnectionHandler, @unchecked Sendable {
    private enum Stage: String {
        case greeting, startTLS = "STARTTLS", handshake = "the handshake", ehlo = "EHLO", helo = "HELO", mail = "MAIL", rcpt = "RCPT", done
    }

    private let recipient: EmailAddress
    private let host: HopHost
    private let heloName: String
    private let dialect: Dialect
    private let loop: any Loop
    private let completion: (ProbeFinding) -> Void
    private var stage = Stage.greeting
    private var parser = ReplyParser()
    private var connection: (any Connection)?
    private var timer: LoopTimer?
    private var timeout = Duration.zero
    private var isEncrypted = false
    private var isDone = false

    init(_ recipient: EmailAddress, at host: HopHost, heloName: String, dialect: Dialect, loop: any Loop, completion: @escaping (ProbeFinding) -> Void) {
        self.recipient = recipient
        self.host = host
        self.heloName = heloName
        self.dialect = dialect
        self.loop = loop
        self.completion = completion
    }

    /// Connects and asks; `completion` hears within `timeout` for connecting and again for the conversation.
    func start(_ endpoint: SocketEndpoint, by dialer: any Dialer, from source: IPAddress?, timeout: Duration) {
        self.timeout = timeout
        dialer.dial(endpoint, from: source, timeout: timeout, on: loop, handler: self) { error in
            self.end(.unreachable("\(endpoint): \(error)"))
        }
        timer = loop.schedule(at: loop.now + timeout + timeout) {
            self.end(.unknown("\(endpoint): no answer to \(self.stage.rawValue) in time"))
        }
    }

    func opened(_ connection: any Connection) {
        guard !isDone else { return connection.abort() }
        self.connection = connection
        if host.tlsStart == .implicit { beginTLS() }
    }

    func tlsEstablished(_ summary: TLSSummary) {
        guard !isDone else { return }
        isEncrypted = true
        // Nothing that was said in the clear counts (RFC 3207 §4.2).
        parser = ReplyParser()
        if host.tlsStart == .startTLS { sayHello() }
    }

    func tlsFailed(_ failure: TLSFailure) { end(.unknown("\(host.name): TLS failed: \(failure)")) }

    func received(_ bytes: UnsafeRawBufferPointer) { if !isDone { parser.receive(bytes) } }

    func receivedAll() {
        do throws(ReplyError) {
            while !isDone, let reply = try parser.next() { take(reply) }
        } catch {
            end(.unknown("not SMTP after \(stage.rawValue)"))
        }
    }

    func writable() {}

    func closed(_ error: ConnectionError?) {
        end(.unknown("connection lost after \(stage.rawValue)"))
        connection = nil
    }

    private func take(_ reply: Reply) {
        switch stage {
        case .greeting where reply.isSuccess: sayHello()
        case .ehlo where reply.isSuccess: greeted(offersTLS: reply.lines.dropFirst().contains { $0.uppercased() == "STARTTLS" })
        case .helo where reply.isSuccess: greeted(offersTLS: false)
        case .ehlo where reply.isPermanent && dialect != .lmtp && !isEncrypted: say("HELO \(heloName)", .helo)
        case .startTLS where reply.isSuccess:
            // What comes with the reply is an attacker's (CVE-2021-38371).
            guard !parser.hasUnreadInput else { return end(.unknown("\(host.name): clear text behind STARTTLS")) }
            beginTLS()
        case .startTLS where host.tls.allowsClear: say("MAIL FROM:<>", .mail)
        case .mail where reply.isSuccess: askForRecipient()
        case .rcpt:
            if reply.isSuccess { return end(.taken) }
            end(reply.isPermanent ? .refused(reply) : .unknown("RCPT was answered \(reply.code)"))
        // Whoever refuses this host, or bounces as such, has said nothing about the recipient.
        case .greeting, .startTLS, .handshake, .ehlo, .helo, .mail, .done: end(.unknown("\(stage.rawValue) was answered \(reply.code)"))
        }
    }

    private func sayHello() { say("\(dialect == .lmtp ? "LHLO" : "EHLO") \(heloName)", .ehlo) }

    /// The host has said what it can do.
    private func greeted(offersTLS: Bool) {
        if isEncrypted || host.tlsStart == .implicit { return say("MAIL FROM:<>", .mail) }
        switch host.tls.startTLS {
        case .whenOffered where offersTLS, .required where offersTLS: say("STARTTLS", .startTLS)
        case .required: end(.unknown("\(host.name) does not offer STARTTLS"))
        case .never, .whenOffered: say("MAIL FROM:<>", .mail)
        }
    }

    private func beginTLS() {
        if host.tlsStart == .startTLS { stage = .handshake }
        connection?.startTLS(.client(TLSClientSettings(serverName: host.serverName, verification: host.tls.verification(at: loop.now))), timeout: timeout)
    }

    private func askForRecipient() {
        var command = Array("RCPT TO:<".utf8)
        recipient.append(to: &command)
        command += Array(">\r\n".utf8)
        stage = .rcpt
        connection?.write(command)
        connection?.flush()
    }

    private func say(_ command: String, _ next: Stage) {
        stage = next
        connection?.write(Array((command + "\r\n").utf8))
        connection?.flush()
    }

    private func end(_ finding: ProbeFinding) {
        guard !isDone else { return }
        isDone = true
        timer?.cancel()
        timer = nil
        stage = .done
        connection?.write(Array("QUIT\r\n".utf8))
        connection?.close()
        completion(finding)
    }
}

/// What a server says of a recipient.
public enum ProbeFinding: Hashable, Sendable {
    /// RCPT was answered with 2yz.
    case taken
    /// RCPT was answered with 5yz.
    case refused(Reply)
    /// Nothing was learnt of the recipient; why, for people.
    case unknown(String)
    /// The server could not be reached; another one may be.
    case unreachable(String)
}

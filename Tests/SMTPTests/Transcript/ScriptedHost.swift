import MessageFormat
import Ports
import SMTP

/// A host for server sessions that stores messages in memory and decides by rules.
final class ScriptedHost {
    /// A message as it was stored.
    struct Stored: Equatable {
        var mail: MailCommand
        var recipients: [RcptCommand]
        var body: [UInt8]
        var chunks: Int
        var receivedCount: Int
        var protocolName: String
        var helloName: String
        var findings: ContentFindings
    }

    /// A refusal for commands whose address matches.
    struct Rule {
        var stage: String
        var argument: String
        var reply: Reply
    }

    private var session: ServerSession
    private(set) var now = Timestamp(seconds: 1_000_000)
    private(set) var output: [UInt8] = []
    private(set) var stored: [Stored] = []
    private(set) var closed: CloseReason?
    private(set) var abandoned = 0
    /// What the session asked about who the client is.
    private(set) var requests: [AuthenticationRequest] = []
    /// Answers requests in place of the accounts.
    var answers: (AuthenticationRequest) -> AuthenticationAnswer? = { _ in nil }
    private var chunks: [[UInt8]] = []
    var rules: [Rule] = []
    let dialect: Dialect
    /// Largest part of a message seen.
    private(set) var largestPart = 0

    convenience init(_ settings: ServerSettings = ServerSettings(), permissions: Permissions = [], isTLS: Bool = false) {
        self.init(ServerProfile(settings), permissions: permissions, isTLS: isTLS)
    }

    init(_ profile: ServerProfile, permissions: Permissions = [], isTLS: Bool = false) {
        dialect = profile.settings.dialect
        let client = ClientIdentity(endpoint: .ip(.v4(0xc000_0201), port: 40_000), localEndpoint: .ip(.loopback, port: 25))
        session = ServerSession(profile, client: client, permissions: permissions, tls: isTLS ? TLSSummary(version: .v1_3) : nil)
    }

    /// What was said since the last call.
    func takeOutput() -> String {
        defer { output = [] }
        return String(decoding: output, as: UTF8.self)
    }

    func send(_ text: String) -> String {
        send(Array((text + "\r\n").utf8))
    }

    @discardableResult
    func send(_ bytes: [UInt8]) -> String {
        feed(bytes[...])
        return takeOutput()
    }

    func feed(_ bytes: ArraySlice<UInt8>) {
        guard closed == nil else { return }
        bytes.withUnsafeBytes { session.receive($0) }
        run()
    }

    func advance(by duration: Duration) {
        now = now + duration
        session.timerFired(at: now)
        run()
    }

    func advanceToDeadline() {
        now = max(now, session.deadline)
        session.timerFired(at: now)
        run()
    }

    var deadline: Timestamp { session.deadline }
    var isInTransaction: Bool { session.isInTransaction }
    var recipientCount: Int { session.recipientCount }
    var identity: ClientIdentity { session.identity }
    func shutDown() { session.shutDown(); run() }

    func run() {
        while closed == nil {
            let action = session.next(at: now)
            switch action {
            case .needInput:
                return collect()
            case .flush:
                collect()
            case .waiting:
                collect()
                // A late reply: the test's clock goes on to it.
                guard session.deadline < .distantFuture else { return }
                now = max(now, session.deadline)
                session.timerFired(at: now)
            case .decide(.authenticate(let request)):
                requests.append(request)
                session.authenticated(answer(request))
            case .decide(let question):
                session.decided(verdict(question))
            case .chunk(let part):
                largestPart = max(largestPart, part.count)
                if let rule = rules.first(where: { $0.stage == "chunk" }) {
                    chunks = []
                    session.chunkRefused(rule.reply)
                } else {
                    chunks.append(part)
                    session.chunkTaken()
                }
            case .commit(let message): commit(message)
            case .abandon:
                chunks = []
                abandoned += 1
            case .startTLS:
                collect()
                session.tlsEstablished(TLSSummary(version: .v1_3))
            case .close(let reason):
                collect()
                closed = reason
            }
        }
    }

    private func collect() { output += session.takeOutput() }

    private func commit(_ message: ReceivedMessage) {
        largestPart = max(largestPart, message.body.count)
        let replies: [Reply] = message.recipients.map { recipient in
            rules.first { $0.stage == "commit" && $0.argument == recipient.forwardPath.description }?.reply
                ?? Reply(250, .init(2, 0, 0), "queued as \(stored.count + 1)")
        }
        if let refusal = rules.first(where: { $0.stage == "commit" && $0.argument == "*" })?.reply {
            session.committed(.all(refusal))
        } else if dialect == .lmtp {
            store(message)
            session.committed(.each(replies))
        } else {
            session.committed(.all(replies.first ?? .messageOK))
            store(message)
        }
        chunks = []
    }

    private func store(_ message: ReceivedMessage) {
        stored.append(Stored(mail: message.mail, recipients: message.recipients, body: chunks.flatMap { $0 } + message.body,
                             chunks: chunks.count, receivedCount: message.receivedCount, protocolName: message.protocolName,
                             helloName: message.helloName, findings: message.findings))
    }

    /// One account: `user`, whose password is `pencil`.
    private func answer(_ request: AuthenticationRequest) -> AuthenticationAnswer {
        if let answer = answers(request) { return answer }
        let user = AuthenticatedAccount(name: "user", senders: .any)
        return switch request {
        case .password("user", Secret("pencil")), .proof("user", isValid: true), .token(_, Secret("good")), .certificate(nil): .accepted(user)
        case .password("busy", _), .token("busy", _): .unavailable
        case .password, .proof, .token, .certificate: .refused
        case .keys: .keys(ScriptedHost.keys, nonce: ScriptedHost.nonce)
        case .begin(_, let response): .challenge(Array("more after ".utf8) + (response?.octets ?? []))
        case .response(Secret("open sesame")): .accepted(user)
        case .response: .refused
        }
    }

    /// The keys and the nonce of RFC 7677 §3.
    static let nonce = Array("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".utf8)
    static let keys: SCRAMKeys = {
        let salt = SASLBase64.decode(Array("W22ZaJ0SNY7soEsUEjb6gQ==".utf8)) ?? []
        return (try? SCRAMKeys(password: Secret("pencil"), salt: salt, iterations: 4096))
            ?? SCRAMKeys(salt: [], iterations: 1, storedKey: [], serverKey: [])
    }()

    private func verdict(_ question: Question) -> Verdict {
        let (stage, argument) = switch question {
        case .connect(let client): ("connect", client.endpoint.description)
        case .hello(_, let name): ("hello", name)
        case .mail(let mail): ("mail", mail.reversePath.description)
        case .recipient(let recipient): ("rcpt", recipient.forwardPath.description)
        case .authenticate(let request): ("auth", request.name ?? "")
        }
        guard let rule = rules.first(where: { $0.stage == stage && ($0.argument == argument || $0.argument == "*") }) else {
            return .accept
        }
        return rule.reply.code == 421 ? .close(rule.reply) : .reject(rule.reply)
    }
}

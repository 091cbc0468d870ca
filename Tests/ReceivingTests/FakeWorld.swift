import DNS
import Events
import MailQueue
import MessageFormat
import Ports
@testable import Receiving
import SMTP
import Testing

/// A loop whose clock stands still until a test moves it.
final class FakeLoop: Loop, @unchecked Sendable {
    private(set) var now = Timestamp(seconds: 1_795_287_555)
    private var jobs: [@Sendable () -> Void] = []
    private var timers: [(id: Int, at: Timestamp, job: @Sendable () -> Void)] = []
    private(set) var timersMade = 0
    var isCurrent: Bool { true }

    func execute(_ job: @escaping @Sendable () -> Void) { jobs.append(job) }

    func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer {
        timersMade += 1
        let id = timersMade
        timers.append((id, deadline, job))
        return LoopTimer { [weak self] in self?.timers.removeAll { $0.id == id } }
    }

    var timerCount: Int { timers.count }

    func runJobs() {
        while !jobs.isEmpty {
            let batch = jobs
            jobs = []
            for job in batch { job() }
        }
    }

    func advance(by duration: Duration) {
        let end = now + duration
        runJobs()
        while let next = timers.filter({ $0.at <= end }).min(by: { $0.at < $1.at }) {
            timers.removeAll { $0.id == next.id }
            now = max(now, next.at)
            next.job()
            runJobs()
        }
        now = end
    }
}

/// A connection that keeps what was written.
final class FakeConnection: Connection {
    let loop: any Loop
    let localEndpoint: SocketEndpoint
    let remoteEndpoint: SocketEndpoint
    var peerUserID: UInt32?
    var isCongested = false
    private let handler: any ConnectionHandler
    private var unflushed: [UInt8] = []
    private(set) var written: [UInt8] = []
    private(set) var flushes = 0
    private(set) var isReading = true
    private(set) var isClosed = false
    private(set) var isAborted = false
    /// How often the session began TLS, and what it gave to the handshake the last time.
    private(set) var handshakes: [[UInt8]] = []

    init(_ handler: any ConnectionHandler, loop: FakeLoop, from remote: SocketEndpoint) {
        self.handler = handler
        self.loop = loop
        remoteEndpoint = remote
        localEndpoint = .ip(.v4(0xc000_02fe), port: 25)
        handler.opened(self)
        handler.receivedAll()
    }

    func write(_ bytes: [UInt8]) { unflushed += bytes }
    func write(_ bytes: ArraySlice<UInt8>) { unflushed += bytes }
    func flush() {
        guard !unflushed.isEmpty else { return }
        flushes += 1
        written += unflushed
        unflushed = []
    }
    func setReading(_ reading: Bool) { isReading = reading }
    func close() {
        flush()
        end()
    }
    func abort() {
        isAborted = true
        unflushed = []
        end()
    }

    func startTLS(_ role: TLSRole, timeout: Duration, received: [UInt8]) {
        flush()
        handshakes.append(received)
    }

    /// The handshake comes out well.
    func establishTLS(_ summary: TLSSummary) { handler.tlsEstablished(summary) }

    /// The handshake fails.
    func failTLS(_ failure: TLSFailure) {
        handler.tlsFailed(failure)
        abort()
    }

    /// The other side goes away.
    func hangUp() { end(.reset) }

    private func end(_ error: ConnectionError? = nil) {
        guard !isClosed else { return }
        isClosed = true
        handler.closed(error)
    }

    /// Hands bytes to the session as one read.
    func deliver(_ bytes: [UInt8]) {
        guard !isClosed else { return }
        bytes.withUnsafeBytes { handler.received($0) }
        if !isClosed, isReading { handler.receivedAll() }
    }

    func becomeWritable() {
        isCongested = false
        handler.writable()
    }

    /// Sends lines and returns what was said since the last call.
    func say(_ lines: String...) -> String {
        for line in lines { deliver(Array((line + "\r\n").utf8)) }
        return heard()
    }

    func heard() -> String {
        defer { written = [] }
        return String(decoding: written, as: UTF8.self)
    }
}

/// A queue that answers when the test says so.
final class FakeIntake: MessageIntake, @unchecked Sendable {
    private(set) var accepted: [Submission] = []
    private(set) var chunks: [(QueueID, [UInt8])] = []
    private(set) var abandoned: [QueueID] = []
    private var waiting: [@Sendable () -> Void] = []
    /// Whether answers come at once.
    var isImmediate = true
    var refusal: AcceptRefusal?

    func accept(_ submission: Submission, replyOn loop: any Loop, completion: @escaping @Sendable (AcceptResult) -> Void) {
        let refusal = refusal
        if refusal == nil { accepted.append(submission) }
        answer { completion(refusal.map { .refused($0) } ?? .accepted(submission.id)) }
    }

    func appendChunk(_ id: QueueID, _ bytes: [UInt8], replyOn loop: any Loop, completion: @escaping @Sendable (ChunkResult) -> Void) {
        let refusal = refusal
        if refusal == nil { chunks.append((id, bytes)) }
        answer { completion(refusal.map { .refused($0) } ?? .taken) }
    }

    func abandon(_ id: QueueID) { abandoned.append(id) }

    var waitingCount: Int { waiting.count }

    func answerNext() { waiting.removeFirst()() }

    private func answer(_ job: @escaping @Sendable () -> Void) {
        if isImmediate { job() } else { waiting.append(job) }
    }
}

/// Signs at once.
final class SameThread: SigningExecutor {
    func execute(_ job: @escaping @Sendable () -> Void) { job() }
}

/// Keeps what was noted.
final class FakeObserver: ReceivingObserver, @unchecked Sendable {
    private(set) var occurrences: [ReceivingOccurrence] = []
    func noted(_ occurrence: ReceivingOccurrence, client: ClientIdentity, listener: String) { occurrences.append(occurrence) }
}

/// The receiving side with fakes all around.
struct FakeWorld {
    let loop = FakeLoop()
    let intake = FakeIntake()
    let observer = FakeObserver()
    let service: SMTPService
    var policy: ListenerPolicy

    static let stranger = SocketEndpoint.ip(.v4(0xc633_6401), port: 40_000)  // 198.51.100.1
    static let trusted = SocketEndpoint.ip(.v4(0x0a00_0001), port: 40_000)  // 10.0.0.1

    init(_ settings: ReceivingSettings = ReceivingSettings(), session: ServerSettings = ServerSettings(),
         rules: AddressRules? = nil, proxyNetworks: [IPNetwork]? = nil, resolver: (any Resolver)? = nil,
         tls: ListenerTLS? = nil, engine: PolicyEngine = PolicyEngine(), verification: VerificationSettings? = nil) throws {
        let signing = SigningIntake(intake, executor: SameThread()) { id, error in Issue.record("\(id): \(error)") }
        service = SMTPService(settings: settings, intake: signing, mint: QueueIDMint(incarnation: 1), resolver: resolver,
                              engine: engine, proxyProtocol: PlainProxyProtocol(), observer: observer)
        policy = try FakeWorld.policy(session: session, rules: rules, proxyNetworks: proxyNetworks, tls: tls, verification: verification)
    }

    static func policy(name: String = "inbound", session: ServerSettings = ServerSettings(), rules: AddressRules? = nil,
                       proxyNetworks: [IPNetwork]? = nil, maxConnectionsPerClient: Int? = nil, tls: ListenerTLS? = nil,
                       rulesAgainstAbuse: PolicySettings = PolicySettings(),
                       verification: VerificationSettings? = nil) throws -> ListenerPolicy {
        var session = session
        session.hostname = "mx.local.example"
        let ours = [IPNetwork("10.0.0.0/8")].compactMap { $0 }
        return ListenerPolicy(name: name, session: session, rules: try rules ?? FakeWorld.rules(),
                              cleanup: CleanupSettings(hostName: try Domain(parsing: "mx.local.example")),
                              xclientNetworks: ours, xforwardNetworks: ours, proxyNetworks: proxyNetworks,
                              maxConnectionsPerClient: maxConnectionsPerClient, tls: tls, policy: rulesAgainstAbuse,
                              verification: verification)
    }

    static func rules(_ aliases: [String: [String]] = [:]) throws -> AddressRules {
        var rules = AddressRules(postmaster: try EmailAddress(parsing: "admin@local.example"), directory: FakeDirectory(aliases: aliases))
        rules.relayNetworks = [IPNetwork("10.0.0.0/8"), IPNetwork("2001:db8::/32")].compactMap { $0 }
        return rules
    }

    func connect(from endpoint: SocketEndpoint = FakeWorld.stranger) -> FakeConnection {
        FakeConnection(service.makeHandler(policy, on: loop), loop: loop, from: endpoint)
    }

    /// A connection that has said hello.
    func opened(from endpoint: SocketEndpoint = FakeWorld.stranger) -> FakeConnection {
        let connection = connect(from: endpoint)
        _ = connection.say("EHLO client.example")
        return connection
    }
}

/// Three mailboxes at `local.example`, some aliases, and the relay domain `backup.example`.
struct FakeDirectory: RecipientDirectory {
    static let mailboxes: Set<String> = ["alice@local.example", "bob@local.example", "admin@local.example"]
    let aliases: [String: [String]]

    func finding(for address: EmailAddress) -> RecipientFinding {
        if let targets = aliases[address.description] { return .alias(targets.compactMap { try? EmailAddress(parsing: $0) }) }
        switch address.domain?.ascii {
        case "local.example": return FakeDirectory.mailboxes.contains(address.description) ? .mailbox : .unknown
        case "backup.example": return .relayed
        default: return .remote
        }
    }
}

/// A stand-in for the PROXY protocol: `PROXY a.b.c.d` and LF.
struct PlainProxyProtocol: ProxyProtocol {
    func read(_ bytes: UnsafeRawBufferPointer) -> ProxyProtocolResult {
        guard zip(bytes, "PROXY ".utf8).allSatisfy({ $0 == $1 }) else { return .invalid }
        guard let end = bytes.firstIndex(of: 0x0a) else { return .incomplete }
        let text = String(decoding: bytes[6..<end], as: UTF8.self)
        guard let address = IPAddress(text) else { return .invalid }
        return .complete(length: end + 1, source: .ip(address, port: 1234), destination: nil)
    }
}

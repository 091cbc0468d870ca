import Ports

/// What stands at an endpoint of the test network.
enum ScriptedHost {
    /// The connection fails with this error at once.
    case failing(ConnectionError)
    /// Nobody answers.
    case silent
    /// A server.
    case server(ScriptedServer)
}

/// A server that answers by default and says otherwise what the test wants.
final class ScriptedServer {
    /// A message that was taken, as it came over the wire without the final dot.
    struct Message: Equatable {
        var commands: [String]
        var body: String
        var connection: Int
    }

    /// How a handshake ends.
    enum Handshake {
        case established(TLSSummary)
        case failed(TLSFailure)
        case hangs
    }

    /// The greeting; nil says nothing.
    var greeting: String? = "220 mx.example ESMTP"
    /// Keywords of the EHLO reply.
    var keywords = ["PIPELINING"]
    /// Other answers than the ordinary ones: nil leaves it to those, "" says nothing, "close" closes.
    var answer: (_ line: String, _ connection: Int) -> String? = { _, _ in nil }
    /// The answer to the final dot.
    var finalAnswer: (Message) -> String = { _ in "250 2.0.0 queued" }
    var isLMTP = false
    /// How handshakes end.
    var handshake = Handshake.established(TLSSummary(version: .v1_3))
    /// What clients asked of the handshakes.
    fileprivate(set) var handshakes: [TLSClientSettings] = []
    fileprivate(set) var messages: [Message] = []
    fileprivate(set) var lines: [String] = []
    fileprivate(set) var connections: [ScriptedConnection] = []

    /// Connections that are open now.
    var openConnections: Int { connections.filter(\.isOpen).count }
}

/// Opens connections to scripted servers.
final class ScriptedNetwork: Dialer {
    var hosts: [SocketEndpoint: ScriptedHost] = [:]
    private(set) var dialed: [SocketEndpoint] = []
    private(set) var sources: [IPAddress?] = []
    /// Writes above this many octets congest a connection until the test relieves it.
    var congestionLimit = Int.max

    func dial(_ endpoint: SocketEndpoint, from source: IPAddress?, timeout: Duration, on loop: any Loop,
              handler: any ConnectionHandler, failed: @escaping (ConnectionError) -> Void) {
        dialed.append(endpoint)
        sources.append(source)
        let pending = Pending(handler: handler, failed: failed)
        switch hosts[endpoint] {
        case .failing(let error)?: loop.execute { pending.failed(error) }
        case .silent?: _ = loop.schedule(at: loop.now + timeout) { pending.failed(.timedOut) }
        case nil: loop.execute { pending.failed(.refused) }
        case .server(let server)?:
            let connection = ScriptedConnection(server, number: server.connections.count, loop: loop, remote: endpoint,
                                                handler: handler, congestionLimit: congestionLimit)
            server.connections.append(connection)
            loop.execute { connection.open() }
        }
    }

    private struct Pending: @unchecked Sendable {
        let handler: any ConnectionHandler
        let failed: (ConnectionError) -> Void
    }
}

/// One connection to a scripted server.
final class ScriptedConnection: Connection, @unchecked Sendable {
    let loop: any Loop
    let localEndpoint = SocketEndpoint.ip(.loopback, port: 40_000)
    let remoteEndpoint: SocketEndpoint
    let peerUserID: UInt32? = nil
    private(set) var isOpen = true
    /// Whether the client ended it without waiting.
    private(set) var wasAborted = false
    private let server: ScriptedServer
    private let number: Int
    private var handler: (any ConnectionHandler)?
    private var written: [UInt8] = []
    private var input: [UInt8] = []
    private var commands: [String] = []
    private var accepted = 0
    private var isInData = false
    private let congestionLimit: Int
    private(set) var maxUnsent = 0

    init(_ server: ScriptedServer, number: Int, loop: any Loop, remote: SocketEndpoint, handler: any ConnectionHandler,
         congestionLimit: Int) {
        self.server = server
        self.number = number
        self.loop = loop
        self.handler = handler
        self.congestionLimit = congestionLimit
        remoteEndpoint = remote
    }

    var isCongested: Bool { written.count > congestionLimit }

    func open() {
        handler?.opened(self)
        if let greeting = server.greeting { say(greeting) }
    }

    func write(_ bytes: [UInt8]) {
        if isOpen { written += bytes }
        maxUnsent = max(maxUnsent, written.count)
    }

    func write(_ bytes: ArraySlice<UInt8>) { write(Array(bytes)) }

    func flush() {
        guard !written.isEmpty else { return }
        // A congested connection drains later, as a socket does.
        loop.execute { self.deliver() }
    }

    func setReading(_ reading: Bool) {}

    func close() {
        loop.execute {
            self.deliver()
            self.end(nil)
        }
    }

    func abort() {
        wasAborted = true
        written = []
        loop.execute { self.end(nil) }
    }

    func startTLS(_ role: TLSRole, timeout: Duration, received: [UInt8]) {
        loop.execute {
            self.deliver()
            guard self.isOpen, case .client(let settings) = role else { return }
            self.server.handshakes.append(settings)
            switch self.server.handshake {
            case .established(var summary):
                if case .chain(let check) = settings.verification {
                    if case .refused(let failure) = check(summary.peerCertificates) {
                        self.handler?.tlsFailed(failure)
                        return self.end(nil)
                    }
                    summary.isVerified = true
                }
                self.handler?.tlsEstablished(summary)
            case .failed(let failure):
                self.handler?.tlsFailed(failure)
                self.end(nil)
            case .hangs: break
            }
        }
    }

    /// The server, or the network, ends the connection.
    func end(_ error: ConnectionError?) {
        guard isOpen else { return }
        isOpen = false
        handler?.closed(error)
        handler = nil
    }

    /// The server says something unasked.
    func say(_ text: String) {
        let bytes = Array((text + "\r\n").utf8)
        loop.execute {
            guard self.isOpen, let handler = self.handler else { return }
            bytes.withUnsafeBytes { handler.received($0) }
            handler.receivedAll()
        }
    }

    private func deliver() {
        let wasCongested = isCongested
        input += written
        written = []
        serve()
        if wasCongested, isOpen { handler?.writable() }
    }

    private func serve() {
        while isOpen, let end = isInData ? endOfData() : endOfLine() {
            let text = String(decoding: input[..<end], as: UTF8.self)
            input.removeFirst(end)
            if isInData { take(text) } else { take(line: String(text.dropLast(1))) }
        }
    }

    private func endOfLine() -> Int? { input.firstIndex(of: 0x0a).map { $0 + 1 } }

    private func endOfData() -> Int? {
        let mark = Array("\r\n.\r\n".utf8)
        if input.starts(with: mark.dropFirst(2)) { return 3 }
        guard input.count >= 5 else { return nil }
        var index = 0
        while let dot = input[index...].firstIndex(of: 0x2e) {
            if dot >= 2, dot + 2 < input.count, input[(dot - 2)...(dot + 2)].elementsEqual(mark) { return dot + 3 }
            index = dot + 1
        }
        return nil
    }

    private func take(_ body: String) {
        isInData = false
        let message = ScriptedServer.Message(commands: commands, body: String(body.dropLast(2)), connection: number)
        server.messages.append(message)
        let answer = server.finalAnswer(message)
        commands = []
        for _ in 0..<(server.isLMTP ? accepted : 1) { respond(answer) }
        accepted = 0
    }

    private func take(line: String) {
        server.lines.append(line)
        if let answer = server.answer(line, number) {
            note(line, answer)
            return respond(answer)
        }
        let answer: String
        switch line.prefix(4).uppercased() {
        case "EHLO", "LHLO":
            let lines = ["mx.example"] + server.keywords
            answer = lines.enumerated().map { "250\($0.offset == lines.count - 1 ? " " : "-")\($0.element)" }.joined(separator: "\r\n")
        case "DATA": answer = accepted > 0 ? "354 go" : "503 5.5.1 no recipients"
        case "STAR": answer = "220 go"
        case "QUIT": answer = "221 bye"
        default: answer = "250 ok"
        }
        note(line, answer)
        respond(answer)
        if line == "QUIT" { loop.execute { self.end(nil) } }
    }

    private func note(_ line: String, _ answer: String) {
        switch line.prefix(4) {
        case "MAIL", "RSET":
            commands = []
            accepted = 0
        case "DATA":
            isInData = answer.hasPrefix("3")
            return
        case "RCPT":
            if answer.hasPrefix("2") { accepted += 1 }
        default:
            return
        }
        if answer.hasPrefix("2"), line != "RSET" { commands.append(line) }
    }

    private func respond(_ answer: String) {
        if answer == "close" {
            loop.execute { self.end(nil) }
        } else if !answer.isEmpty {
            say(answer)
            if answer.hasPrefix("421") { loop.execute { self.end(nil) } }
        }
    }
}

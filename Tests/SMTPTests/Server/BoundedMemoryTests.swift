import Ports
import SMTP
import Testing

/// HOSTILE 7, 26: what is sent does not decide how much is kept.
@Suite struct BoundedMemoryTests {
    private func opened(_ settings: ServerSettings = ServerSettings()) -> ScriptedHost {
        let host = ScriptedHost(settings)
        host.run()
        for line in ["EHLO a.example", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>"] { _ = host.send(line) }
        _ = host.takeOutput()
        return host
    }

    @Test("A large message comes in parts of bounded size, whole and unchanged")
    func parts() throws {
        let host = opened()
        _ = host.send("DATA")
        let line = Array(String(repeating: "x", count: 70).utf8) + [0x0d, 0x0a]
        var message: [UInt8] = Array("Subject: x\r\n\r\n".utf8)
        while message.count < 1_500_000 { message += line }
        let wire = message + Array(".\r\n".utf8)
        for start in stride(from: 0, to: wire.count, by: 65_536) {
            host.feed(wire[start..<min(start + 65_536, wire.count)])
        }
        #expect(host.takeOutput().hasPrefix("250 2.0.0"))
        let stored = try #require(host.stored.first)
        #expect(stored.body == message && stored.chunks == 5)
        #expect(host.largestPart <= 256 << 10)
    }

    @Test("A million empty chunks end the connection")
    func emptyChunks() {
        let host = opened()
        let chunk = Array(String(repeating: "BDAT 0\r\n", count: 1000).utf8)
        for _ in 0..<1000 where host.closed == nil { _ = host.send(chunk) }
        #expect(host.closed == .tooManyErrors)
    }

    @Test("A client that says hello for ever is not listened to for ever")
    func endlessHello() {
        let host = opened()
        let hellos = Array(String(repeating: "EHLO a.example\r\n", count: 1000).utf8)
        let replies = host.send(hellos)
        #expect(host.closed == .tooManyErrors && replies.utf8.count < 100_000)
    }

    @Test("A client that does not take its replies is timed out")
    func repliesNotTaken() {
        var session = ServerSession(ServerProfile(ServerSettings()), client: ClientIdentity(endpoint: .unix(path: ""), localEndpoint: .unix(path: "")))
        let now = Timestamp(seconds: 1_000_000)
        _ = session.next(at: now)
        session.decided(.accept)
        Array(String(repeating: "EHLO a.example\r\n", count: 101).utf8).withUnsafeBytes { session.receive($0) }
        var hasFlushed = false
        while !hasFlushed {
            switch session.next(at: now) {
            case .decide: session.decided(.accept)
            case .flush: hasFlushed = true
            default: Issue.record("the replies do not fill the buffer"); return
            }
        }
        #expect(session.deadline == now + .minutes(5))
        session.timerFired(at: session.deadline)
        guard case .close(.timedOut) = session.next(at: session.deadline) else { Issue.record("still open"); return }
    }

    @Test("A refused part is dropped, the rest read and refused")
    func refusedPart() {
        let host = opened()
        host.rules.append(.init(stage: "chunk", argument: "*", reply: .insufficientStorage))
        _ = host.send("DATA")
        host.send(Array("Subject: x\r\n\r\n".utf8))
        for _ in 0..<20 { host.send(Array(String(repeating: "0123456789\r\n", count: 2000).utf8)) }
        #expect(host.send(".") == "452 4.3.1 Insufficient system storage, try again later\r\n")
        #expect(host.stored.isEmpty && host.send("DATA").hasPrefix("503"))
    }

    @Test("A server that shuts down does so between transactions")
    func shutDown() {
        let host = opened()
        host.shutDown()
        #expect(host.closed == nil)
        _ = host.send("DATA")
        #expect(host.send(".") == "250 2.0.0 queued as 1\r\n421 4.3.2 Shutting down, try again later\r\n")
        #expect(host.closed == .shuttingDown && host.stored.count == 1)
    }
}

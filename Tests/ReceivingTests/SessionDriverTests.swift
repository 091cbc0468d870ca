import Events
import MailQueue
import MessageFormat
import Ports
import Receiving
import SMTP
import Testing

@Suite struct SessionDriverTests {
    @Test("A message goes into the queue with its trace field, and 250 comes with the queue's word only")
    func accepted() throws {
        let world = try FakeWorld()
        world.intake.isImmediate = false
        let connection = world.connect()
        #expect(connection.heard() == "220 mx.local.example ESMTP Baton\r\n")
        #expect(connection.say("EHLO client.example").hasPrefix("250-mx.local.example\r\n"))
        #expect(connection.say("MAIL FROM:<x@client.example> SIZE=100 RET=HDRS ENVID=abc") == "250 2.1.0 Sender OK\r\n")
        #expect(connection.say("RCPT TO:<alice@local.example> NOTIFY=DELAY").hasPrefix("250"))
        #expect(connection.say("DATA").hasPrefix("354"))
        #expect(connection.say("Subject: hi", "", "text", ".") == "")
        #expect(!connection.isReading, "nothing is read while the queue works")
        world.intake.answerNext()
        #expect(connection.isReading)
        #expect(connection.heard() == "250 2.0.0 Queued as 0000100000001\r\n")

        let submission = try #require(world.intake.accepted.first)
        #expect(submission.body == Array("Subject: hi\r\n\r\ntext\r\n".utf8))
        #expect(String(decoding: submission.prefix, as: UTF8.self) == """
            Received: from client.example ([198.51.100.1])\r
            \tby mx.local.example with ESMTP id 0000100000001\r
            \tfor <alice@local.example>; Sat, 21 Nov 2026 18:59:15 +0000\r

            """)
        let envelope = submission.envelope
        #expect(envelope.reversePath.description == "<x@client.example>" && envelope.returnContent == .headers)
        #expect(envelope.envelopeID == "abc" && envelope.recipients.map(\.notify) == [.delay])
        #expect(envelope.origin.listener == "inbound" && envelope.origin.transmission == "ESMTP")
        #expect(envelope.size == UInt64(submission.prefix.count + submission.body.count))
        #expect(connection.say("QUIT") == "221 2.0.0 Bye\r\n" && connection.isClosed)
        #expect(world.observer.occurrences == [.connected, .disconnected(.quit, messages: 1)])
        #expect(world.loop.timerCount == 0 && world.service.sessionCount == 0)
    }

    @Test("Replies to pipelined commands leave in one write")
    func coalesced() throws {
        let world = try FakeWorld()
        let connection = world.opened()
        let before = connection.flushes
        let said = connection.say("MAIL FROM:<>\r\nRCPT TO:<alice@local.example>\r\nRCPT TO:<nobody@local.example>\r\nDATA")
        #expect(said.split(separator: "\r\n").map { $0.prefix(3) } == ["250", "250", "550", "354"])
        #expect(connection.flushes == before + 1)
        // Input behind a message waits for the message, then goes on by itself.
        world.intake.isImmediate = false
        #expect(connection.say("x\r\n.\r\nNOOP") == "")
        world.intake.answerNext()
        #expect(connection.heard().split(separator: "\r\n").map { $0.prefix(3) } == ["250", "250"])
        #expect(connection.flushes == before + 2)
    }

    @Test("What the queue refuses the client keeps", arguments: [
        (AcceptRefusal.insufficientStorage, "452 4.3.1"), (.storageFailure, "451 4.3.0"),
    ])
    func refused(refusal: AcceptRefusal, reply: String) throws {
        let world = try FakeWorld()
        world.intake.refusal = refusal
        let connection = world.opened()
        let said = connection.say("MAIL FROM:<>", "RCPT TO:<bob@local.example>", "DATA", "x: y", ".")
        #expect(said.contains("\r\n\(reply) "))
        #expect(connection.say("DATA").hasPrefix("503") && world.intake.accepted.isEmpty)
    }

    @Test("A large message goes into the log part by part")
    func streamed() throws {
        let world = try FakeWorld()
        world.intake.isImmediate = false
        let connection = world.opened()
        _ = connection.say("MAIL FROM:<x@client.example>", "RCPT TO:<alice@local.example>", "DATA")
        let message = Array("Subject: big\r\n\r\n".utf8) + Array(repeatElement(Array("0123456789abcdef\r\n".utf8), count: 40_000).joined())
        var sent = 0
        while sent < message.count {
            if connection.isReading {
                let end = min(sent + 65_536, message.count)
                connection.deliver(Array(message[sent..<end]))
                sent = end
            } else {
                #expect(world.intake.waitingCount == 1)
                world.intake.answerNext()
            }
        }
        while !connection.isReading { world.intake.answerNext() }
        connection.deliver(Array(".\r\n".utf8))
        world.intake.answerNext()
        #expect(connection.heard().hasPrefix("250 2.0.0 Queued as"))
        let submission = try #require(world.intake.accepted.first)
        #expect(world.intake.chunks.flatMap(\.1) + submission.body == message)
        #expect(world.intake.chunks.count == 2 && world.intake.chunks.allSatisfy { $0.0 == submission.id && $0.1.count == 262_144 })
        #expect(submission.chunkedSize == 524_288 && world.intake.abandoned.isEmpty)
    }

    @Test("Parts of a message that does not come to its end are forgotten", arguments: ["hang up", "bare LF", "storage"])
    func abandoned(how: String) throws {
        let world = try FakeWorld()
        let connection = world.opened()
        _ = connection.say("MAIL FROM:<x@client.example>", "RCPT TO:<alice@local.example>", "DATA")
        connection.deliver(Array("Subject: big\r\n\r\n".utf8))
        let part = Array(repeatElement(Array("0123456789abcdef\r\n".utf8), count: 20_000).joined())
        connection.deliver(part)
        let id = try #require(world.intake.chunks.first?.0)
        switch how {
        case "hang up": connection.hangUp()
        case "bare LF": #expect(connection.say("a\nb", ".").hasPrefix("554 5.5.2"))
        default:
            world.intake.refusal = .insufficientStorage
            connection.deliver(part)
            #expect(connection.say(".").hasPrefix("452 4.3.1"))
        }
        #expect(world.intake.abandoned == [id] && world.intake.accepted.isEmpty)
    }

    @Test("An answer that comes after the client has gone harms nobody")
    func lateAnswer() throws {
        let world = try FakeWorld()
        world.intake.isImmediate = false
        let connection = world.opened()
        _ = connection.say("MAIL FROM:<>", "RCPT TO:<bob@local.example>", "DATA", "x: y", ".")
        connection.hangUp()
        world.intake.answerNext()
        #expect(connection.heard() == "" && world.service.sessionCount == 0)
    }

    @Test("One timer serves a busy connection; silence ends it")
    func timers() throws {
        let world = try FakeWorld()
        let connection = world.opened()
        for _ in 0..<50 { _ = connection.say("NOOP") }
        #expect(world.loop.timersMade == 1)
        world.loop.advance(by: .minutes(4))
        _ = connection.say("NOOP")
        world.loop.advance(by: .seconds(299))
        #expect(!connection.isClosed)
        world.loop.advance(by: .seconds(1))
        #expect(connection.heard().hasSuffix("421 4.4.2 Timed out, closing connection\r\n") && connection.isClosed)
        #expect(world.loop.timersMade == 2 && world.loop.timerCount == 0)
    }

    @Test("Who does not take replies is not served")
    func congestion() throws {
        let world = try FakeWorld()
        let connection = world.opened()
        connection.isCongested = true
        #expect(connection.say("NOOP").hasPrefix("250"))
        #expect(!connection.isReading)
        connection.becomeWritable()
        #expect(connection.isReading)
        #expect(connection.say("NOOP").hasPrefix("250"))
    }

    @Test("LMTP answers for each recipient, and names itself in the trace field")
    func lmtp() throws {
        var session = ServerSettings()
        session.dialect = .lmtp
        let world = try FakeWorld(session: session)
        let connection = world.connect()
        _ = connection.say("LHLO client.example", "MAIL FROM:<>", "RCPT TO:<alice@local.example>", "RCPT TO:<bob@local.example>", "DATA")
        #expect(connection.say("x: y", ".") == String(repeating: "250 2.0.0 Queued as 0000100000001\r\n", count: 2))
        let trace = String(decoding: try #require(world.intake.accepted.first).prefix, as: UTF8.self)
        #expect(trace.contains(" with LMTP id ") && !trace.contains(" for <"))
    }

    @Test("Facts of the content", arguments: [
        ("Subject: x\r\n", ContentFacts()), ("Subject: x\r\n\r\né\r\n", .eightBitBody), ("Subject: é\r\n", [.eightBitBody, .eightBitHeader]),
        ("Subject: x\r\n\r\nno end", .binary), ("Subject: x\r\n\r\na\nb\r\n", .binary), ("", []),
        ("X: " + String(repeating: "x", count: 999) + "\r\n", .longLines),
    ] as [(String, ContentFacts)])
    func facts(message: String, facts: ContentFacts) throws {
        let world = try FakeWorld()
        let connection = world.opened()
        let said = connection.say("MAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<bob@local.example>\r\nBDAT \(message.utf8.count) LAST\r\n\(message)NOOP")
        #expect(said.hasSuffix("250 2.0.0 OK\r\n"))
        #expect(try #require(world.intake.accepted.first).envelope.content == facts)
    }

    @Test("A server that shuts down ends its sessions between transactions")
    func shutDown() async throws {
        let world = try FakeWorld()
        let idle = world.opened()
        let busy = world.opened()
        _ = busy.say("MAIL FROM:<>", "RCPT TO:<bob@local.example>", "DATA")
        await confirmation { emptied in
            world.service.shutDown { emptied() }
            #expect(idle.heard().hasSuffix("421 4.3.2 Shutting down, try again later\r\n") && idle.isClosed)
            #expect(!busy.isClosed)
            #expect(busy.say("x: y", ".").contains("250 2.0.0 Queued"))
            #expect(busy.isClosed)
        }
        #expect(world.connect().isClosed, "new connections are sent away")
    }
}

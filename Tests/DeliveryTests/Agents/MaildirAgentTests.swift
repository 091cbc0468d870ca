import Events
import MailQueue
import MessageFormat
import Ports
import SMTP
import Testing
@testable import Delivery

@Suite struct MaildirAgentTests {
    private let loop = AgentLoop()
    private let files = MemoryMailboxFiles()

    private func agent(_ change: (inout MaildirSettings) -> Void = { _ in }) -> MaildirAgent {
        var settings = MaildirSettings(hostName: "mx:1/x.example")
        change(&settings)
        return MaildirAgent(settings: settings, files: files, executor: LoopMailboxExecutor(loop: loop), loop: loop)
    }

    private let hop = NextHop.maildir(path: "/mail/{domain}/{user}")
    private let content = MessageContent.sample("Received: by us\r\n", "Subject: hi\r\n\r\nbody\rx\r\n")

    @Test func eachRecipientGetsACopy() throws {
        let attempt = try Attempt.sample(to: ["User@y.example", "\"a b\"@y.example"], content)
        let report = try #require(loop.report(of: agent(), attempt, to: hop))
        #expect(report.outcomes == [RecipientDelivery(recipient: 0, outcome: .delivered(nil)), RecipientDelivery(recipient: 1, outcome: .delivered(nil))])
        #expect(report.feedback == .delivered)
        let expected = "Return-Path: <sender@x.example>\nDelivered-To: User@y.example\nReceived: by us\nSubject: hi\n\nbody\rx\n"
        let name = "1795287555.M0Q0400000000001AR0A1.mx\\0721\\057x.example,S=\(expected.utf8.count)"
        let message = attempt.message.description
        let path = "/mail/y.example/user/new/" + name.replacing("Q0400000000001A", with: "Q\(message)")
        #expect(files.files[path].map { String(decoding: $0, as: UTF8.self) } == expected)
        #expect(files.files.count == 2)
        let other = files.files.first { $0.key.contains("/a%20b/new/") }
        #expect(other.map { String(decoding: $0.value, as: UTF8.self).contains("Delivered-To: \"a b\"@y.example\n") } == true)
    }

    @Test(arguments: [1, 3, 100]) func severalCopiesAreWrittenAtATime(limit: Int) throws {
        // The content of each copy waits until the test lets it come: so it is seen how many are under way.
        nonisolated(unsafe) var waiting: [@Sendable (Result<[UInt8], ContentError>) -> Void] = []
        let content = MessageContent(prefix: [], parts: [.stored(size: 1)]) { _, _, completion in waiting.append(completion) }
        let attempt = try Attempt.sample(to: (0..<8).map { $0 == 5 ? "USER3@y.example" : "user\($0)@y.example" }, content)
        var report: AttemptReport?
        agent { $0.copiesAtOnce = limit }.deliver(DeliveryRequest(attempt: attempt, nextHop: hop)) { given, _ in report = given }
        loop.drain()
        var peak = 0
        var isFailing = true
        while !waiting.isEmpty {
            peak = max(peak, waiting.count)
            let next = waiting.removeLast()
            // One fails: the others do not suffer.
            next(isFailing ? .failure(.damaged) : .success([0x61]))
            isFailing = false
            loop.drain()
        }
        let outcomes = try #require(report).outcomes
        #expect(peak == min(limit, 8))
        #expect(Set(outcomes.map(\.recipient)) == Set(0..<8) && outcomes.count == 8)
        let delivered = outcomes.count { $0.outcome == .delivered(nil) }
        #expect(files.files.count == 7 && delivered == 7 && report?.feedback == .delivered)
    }

    @Test func bytesCanStayAsTheyAre() throws {
        let attempt = try Attempt.sample(to: ["u@y.example"], from: "", content)
        _ = loop.report(of: agent { $0.lineEnds = .crlf }, attempt, to: hop)
        #expect(files.files.values.map { String(decoding: $0, as: UTF8.self) }
            == ["Return-Path: <>\r\nDelivered-To: u@y.example\r\nReceived: by us\r\nSubject: hi\r\n\r\nbody\rx\r\n"])
    }

    @Test func storedPartsAreReadInOrder() throws {
        let pieces = [Array("a\r".utf8), Array("\nb".utf8), Array("c\r\n".utf8)]
        let parts: [MessageContent.Part] = [.stored(size: 2), .memory(pieces[1]), .stored(size: 3)]
        let content = MessageContent(prefix: [], parts: parts) { index, loop, completion in
            loop.execute { completion(.success(pieces[index])) }
        }
        let report = loop.report(of: agent(), try Attempt.sample(to: ["u@y.example"], content), to: hop)
        #expect(report?.outcomes.map(\.outcome) == [.delivered(nil)])
        #expect(files.files.values.map { String(decoding: $0, as: UTF8.self) } == ["Return-Path: <sender@x.example>\nDelivered-To: u@y.example\na\nbc\n"])
    }

    @Test func contentThatCannotBeReadLeavesNothing() throws {
        let content = MessageContent(prefix: [], parts: [.memory([0x61]), .stored(size: 1)]) { _, loop, completion in
            loop.execute { completion(.failure(.damaged)) }
        }
        let report = loop.report(of: agent(), try Attempt.sample(to: ["u@y.example"], content), to: hop)
        guard case .deferred(let diagnosis) = report?.outcomes.first?.outcome else { Issue.record("not deferred"); return }
        #expect(diagnosis.status == EnhancedStatusCode(4, 3, 0))
        #expect(files.files.isEmpty)
    }

    @Test(arguments: [
        (MemoryMailboxFiles.Operation.create, MailboxFileError.denied, EnhancedStatusCode(4, 3, 0), SiteFeedback.answered),
        (.write, .noSpace, .init(4, 3, 1), .unavailable), (.write, .overQuota, .init(4, 2, 2), .answered), (.sync, .system(errno: 5), .init(4, 3, 0), .unavailable),
        (.move, .exists, .init(4, 3, 0), .answered), (.makeDirectory, .notADirectory, .init(4, 3, 5), .answered), (.makeDirectory, .readOnly, .init(4, 3, 0), .unavailable),
    ])
    func failuresDefer(operation: MemoryMailboxFiles.Operation, error: MailboxFileError, status: EnhancedStatusCode, feedback: SiteFeedback) throws {
        files.fail(operation, with: error)
        let attempt = try Attempt.sample(to: ["u@y.example"], content)
        let report = loop.report(of: agent(), attempt, to: hop)
        guard case .deferred(let diagnosis) = report?.outcomes.first?.outcome else { Issue.record("not deferred"); return }
        #expect(diagnosis.status == status)
        #expect(report?.feedback == feedback)
        #expect(files.files.isEmpty)
        files.fail(operation, with: nil)
        #expect(loop.report(of: agent(), attempt, to: hop)?.outcomes.map(\.outcome) == [.delivered(nil)])
    }

    @Test func unknownMailboxesBounceWhenNoneIsMade() throws {
        let report = loop.report(of: agent { $0.creation = .never }, try Attempt.sample(to: ["u@y.example"], content), to: hop)
        guard case .failed(let diagnosis) = report?.outcomes.first?.outcome else { Issue.record("not failed"); return }
        #expect(diagnosis.status == EnhancedStatusCode(5, 1, 1) && diagnosis.bounceClass == .unknownMailbox)
    }
}

@Suite struct SandboxAgentTests {
    private let loop = AgentLoop()
    private let files = MemoryMailboxFiles()

    @Test func keepsTheBytesAndALineOfJSON() throws {
        let agent = SandboxAgent(files: files, executor: LoopMailboxExecutor(loop: loop), loop: loop)
        let attempt = try Attempt.sample(to: ["u@y.example", "v@y.example"], .sample("Received: by us\r\n", "Subject: a \"b\"\r\n\r\nx\r\n"))
        let report = loop.report(of: agent, attempt, to: .sandbox(path: "/sandbox"))
        #expect(report?.outcomes.map(\.outcome) == [.delivered(nil), .delivered(nil)])
        let id = attempt.message.description
        let file = files.files["/sandbox/\(id)-1.eml"]
        #expect(file.map { String(decoding: $0, as: UTF8.self) } == "Received: by us\r\nSubject: a \"b\"\r\n\r\nx\r\n")
        #expect(files.files["/sandbox/index.jsonl"].map { String(decoding: $0, as: UTF8.self) } == """
            {"time":"2026-11-21T18:59:15.000Z","message":"\(id)","file":"\(id)-1.eml","reverse_path":"sender@x.example",\
            "recipients":["u@y.example","v@y.example"],"size":38,"subject":"a \\"b\\""}\n
            """)
        #expect(files.files.count == 2)
        #expect(loop.report(of: agent, attempt, to: .sandbox(path: "/sandbox"))?.outcomes.map(\.outcome) == [.delivered(nil), .delivered(nil)])
        #expect(files.files.count == 2)
    }

    @Test func failuresDefer() throws {
        files.fail(.append, with: .noSpace)
        let agent = SandboxAgent(files: files, executor: LoopMailboxExecutor(loop: loop), loop: loop)
        let report = loop.report(of: agent, try .sample(to: ["u@y.example"], .sample("", "x")), to: .sandbox(path: "/sandbox"))
        guard case .deferred = report?.outcomes.first?.outcome else { Issue.record("not deferred"); return }
        #expect(report?.feedback == .unavailable)
    }
}

@Suite struct DiscardAgentTests {
    @Test func everyRecipientIsDelivered() throws {
        let loop = AgentLoop()
        let report = loop.report(of: DiscardAgent(loop: loop), try .sample(to: ["u@y.example", "v@y.example"], .sample("", "x")), to: .discard)
        #expect(report?.outcomes.map(\.outcome) == [.delivered(nil), .delivered(nil)])
    }
}

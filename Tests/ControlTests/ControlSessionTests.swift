@testable import Events
import Glibc
import MessageFormat
import Ports
import SMTP
import Sockets
import Testing

@testable import Control
@testable import MailQueue

/// A daemon with two waiting messages that does what it is asked.
private final class FakeBackend: ControlBackend {
    static let first = QueueID(rawValue: 1 << 40 | 1)
    static let second = QueueID(rawValue: 1 << 40 | 2)

    private func summary(_ id: QueueID) -> MessageSummary {
        let diagnosis = Diagnosis(status: .init(4, 2, 2), reply: Reply(452, .init(4, 2, 2), "full \u{1b}[31m"))
        let until = Timestamp(seconds: 1_800_000_300)
        let entry = EntrySummary(
            recipients: ["b@x.example"], recipientCount: 1, host: "x.example", site: "mx:mx.x.example:25", state: .deferred,
            reason: .retry(until: until), attempts: 2, nextAttempt: until, lastOutcome: .deferred(until: until, diagnosis))
        return MessageSummary(id: id, sender: "a@y.example", arrival: Timestamp(seconds: 1_800_000_000), size: 2048,
                              entries: [entry], hold: nil, crashes: 0)
    }

    func status(_ reply: @escaping @Sendable (DaemonStatus) -> Void) {
        var numbers = QueueStatistics()
        numbers.messages = 2
        numbers.accepted = 7
        var status = DaemonStatus(version: "1.0", processID: 42, hostName: "h.example", started: Timestamp(seconds: 100),
                                  now: Timestamp(seconds: 160), queue: numbers)
        status.listeners = ["127.0.0.1:25"]
        reply(status)
    }

    func list(_ filter: QueueFilter, details: Bool, after cursor: PageCursor, limit: Int,
              reply: @escaping @Sendable (Result<MessagePage, ControlFailure>) -> Void) {
        let all = [FakeBackend.first, FakeBackend.second].filter { filter.ids?.contains($0) ?? true }
        let page = all.dropFirst(Int(cursor.rawValue)).prefix(limit)
        let next = Int(cursor.rawValue) + page.count
        reply(.success(MessagePage(messages: page.map(summary), next: next < all.count ? PageCursor(rawValue: UInt32(next)) : nil)))
    }

    func shape(bounds: [Duration], reply: @escaping @Sendable ([DestinationShape]) -> Void) {
        let key = DestinationKey(route: RouteID(1), domain: "x.example")
        reply([DestinationShape(destination: key, site: nil, counts: Array(repeating: 1, count: bounds.count + 1))])
    }

    func details(of id: QueueID, reply: @escaping @Sendable (Result<MessageDetails?, ControlFailure>) -> Void) {
        guard id == FakeBackend.first else { return reply(.success(nil)) }
        let envelope = Envelope(reversePath: .null, recipients: [], arrival: Timestamp(seconds: 0), origin: Origin(helo: "h", userID: 7))
        reply(.success(MessageDetails(summary: summary(id), envelope: envelope, prefix: Array("Received: x\r\n".utf8))))
    }

    func perform(_ operation: QueueOperation, on filter: QueueFilter, mode: OperationMode,
                 progress: @escaping @Sendable (OperationResult) -> Void,
                 reply: @escaping @Sendable (Result<OperationResult, ControlFailure>) -> Void) {
        var result = OperationResult()
        result.messages = filter.ids ?? [FakeBackend.first]
        result.count = result.messages.count
        progress(result)
        reply(.success(result))
    }

    func trace(of id: QueueID, reply: @escaping @Sendable (Result<MessageTrace, ControlFailure>) -> Void) {
        var trace = MessageTrace(message: id, records: [])
        if id == FakeBackend.first || id == FakeBackend.second {
            trace.events = [MailEvent(message: id, time: Timestamp(seconds: 5), detail: .released)]
        }
        reply(.success(trace))
    }

    func messages(for address: EmailAddress, limit: Int, reply: @escaping @Sendable (Result<[QueueID], ControlFailure>) -> Void) {
        reply(.success([FakeBackend.second, FakeBackend.first, QueueID(rawValue: 9)]))
    }

    func reload(_ reply: @escaping @Sendable (Result<ReloadReport, ControlFailure>) -> Void) {
        reply(.failure(ControlFailure(.badConfiguration, "not changed", details: ["baton.yaml:3:1: unknown key"])))
    }

    func flush(_ reply: @escaping @Sendable (Result<FlushReport, ControlFailure>) -> Void) {
        reply(.success(FlushReport(messages: 2)))
    }
}

@Suite("Control socket", .timeLimit(.minutes(1)))
struct ControlSessionTests {
    private let listener: NIOListener
    private let path: String

    init() throws {
        path = temporaryDirectory() + "/control"
        let backend = FakeBackend()
        listener = try NIOListener.listen(on: .unix(path: path), group: testLoops) { ControlSession(backend: backend, loop: $0) }
    }

    private func raw(_ bytes: [UInt8], ending: Bool = true) throws -> String {
        let stream = try LocalStream(path: path, timeoutSeconds: 10)
        try stream.write(bytes)
        if ending { try stream.endOutput() }
        var answer: [UInt8] = []
        while true {
            let part = try stream.read()
            if part.isEmpty { return String(decoding: answer, as: UTF8.self) }
            answer += part
        }
    }

    @Test("status, list, summary, show, flush")
    func questions() throws {
        defer { listener.close() }
        let client = try ControlClient(path: path)
        let status = try client.send(.status, as: StatusReport.self)
        #expect(status.uptime == 60)
        #expect(status.queue.messages == 2)
        let first = try client.send(.list(ListArguments(limit: 1)), as: QueueListing.self)
        #expect(first.messages.map(\.id) == [FakeBackend.first.description])
        #expect(first.next == 1)
        #expect(first.messages.first?.entries.first?.lastOutcome?.words == "452 4.2.2 full \u{1b}[31m")
        #expect(first.messages.first?.entries.first?.reason?.untilSeconds == 1_800_000_300)
        let second = try client.send(.list(ListArguments(limit: 1, after: first.next)), as: QueueListing.self)
        #expect(second.messages.map(\.id) == [FakeBackend.second.description])
        #expect(second.next == nil)
        let summary = try client.send(.summary(SummaryArguments(bounds: [60, 120])), as: QueueSummary.self)
        #expect(summary.rows.map(\.counts) == [[1, 1, 1]])
        let message = try client.send(.show(ShowArguments(id: FakeBackend.first.description)), as: MessageReport.self)
        #expect(message.origin["user_id"] == "7")
        #expect(try client.send(.flush, as: FlushReport.self).messages == 2)
    }

    @Test("operations need a target; failures are told in words")
    func operations() throws {
        defer { listener.close() }
        let client = try ControlClient(path: path)
        func failure(_ request: ControlRequest) -> ControlFailure? {
            do throws(ControlClientError) {
                _ = try client.send(request, as: OperationReport.self)
                return nil
            } catch {
                if case .daemon(let failure) = error { return failure }
                return nil
            }
        }
        var filter = FilterArguments()
        #expect(failure(.operate(OperateArguments(operation: "remove", filter: filter)))?.message
            == "no message named: give ids, a filter, or all")
        #expect(failure(.operate(OperateArguments(operation: "explode", filter: filter)))?.code == .badRequest)
        #expect(failure(.show(ShowArguments(id: QueueID(rawValue: 5).description)))?.code == .notFound)
        #expect(failure(.reload)?.details == ["baton.yaml:3:1: unknown key"])
        #expect(failure(.list(ListArguments(limit: 0)))?.message == "limit: expected 1 to 1000")
        #expect(failure(.summary(SummaryArguments(bounds: [5, 5])))?.code == .badRequest)
        filter.all = true
        let report = try client.send(.operate(OperateArguments(operation: "remove", filter: filter, dryRun: true)), as: OperationReport.self)
        #expect(report.dryRun)
        #expect(report.count == 1)
        var told: [Int] = []
        var ids = FilterArguments()
        ids.ids = [FakeBackend.first.description, FakeBackend.second.description]
        _ = try client.send(.operate(OperateArguments(operation: "hold", filter: ids)), as: OperationReport.self) { told.append($0.count) }
        #expect(told == [], "progress was told to one that did not ask")
        _ = try client.send(.operate(OperateArguments(operation: "hold", filter: ids, progress: true)), as: OperationReport.self) { progress in
            #expect(progress.messages == [])
            told.append(progress.count)
        }
        #expect(told == [2])
    }

    @Test("a trace tells where the message stands; one of an address leaves out what its hash found by mistake")
    func traces() throws {
        defer { listener.close() }
        let client = try ControlClient(path: path)
        let one = try client.send(.trace(TraceArguments(subject: FakeBackend.first.description)), as: TraceReport.self)
        #expect(one.messages.map(\.id) == [FakeBackend.first.description])
        #expect(one.messages.first?.events.first?["event"] == "released")
        #expect(one.messages.first?.waiting?.sender == "a@y.example")
        let several = try client.send(.trace(TraceArguments(subject: "a@y.example", limit: 5)), as: TraceReport.self)
        #expect(several.messages.map(\.id) == [FakeBackend.second, FakeBackend.first].map(\.description))
        #expect(several.messages.first?.waiting == nil)
        #expect(throws: ControlClientError.self) {
            try client.send(.trace(TraceArguments(subject: QueueID(rawValue: 9).description)), as: TraceReport.self)
        }
    }

    @Test("requests in one piece or byte by byte are answered in order, also when the client has ended its side")
    func splits() throws {
        defer { listener.close() }
        let lines = "{\"command\":\"flush\"}\n{\"command\":\"nonsense\"}\n{\"command\":\"flush\"}\n"
        let whole = try raw(Array(lines.utf8))
        #expect(whole == #"{"result":{"messages":2}}"# + "\n"
            + #"{"error":{"code":"badRequest","message":"“command” has a wrong value"}}"# + "\n" + #"{"result":{"messages":2}}"# + "\n")
        let stream = try LocalStream(path: path, timeoutSeconds: 10)
        for byte in "{\"command\":\"flush\"}\n".utf8 { try stream.write([byte]) }
        #expect(try String(decoding: stream.read(), as: UTF8.self) == #"{"result":{"messages":2}}"# + "\n")
    }

    @Test("garbage is answered, endless lines are cut off")
    func hostile() throws {
        defer { listener.close() }
        #expect(try raw([0, 0xff, 0x0a]).contains("not a JSON object"))
        #expect(try raw(Array("{\"command\":\"flush\"".utf8)).isEmpty)
        let endless = [UInt8](repeating: UInt8(ascii: "a"), count: ControlRequest.maxLineLength)
        #expect(try raw(endless, ending: false).contains("a request has at most"))
    }

    @Test("without a daemon the error names the socket and what to do")
    func notRunning() throws {
        listener.close()
        #expect(throws: ControlClientError.connection(.notListening, path: path + "-absent")) {
            _ = try ControlClient(path: path + "-absent")
        }
        let text = ControlClientError.connection(.notListening, path: "/run/x").description
        #expect(text.contains("/run/x") && text.contains("systemctl start baton"))
    }
}

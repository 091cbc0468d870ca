import Events
import Testing

@testable import Control

@Suite("Control protocol")
struct ControlProtocolTests {
    private func roundTrip(_ request: ControlRequest) throws -> ControlRequest {
        let line = WireLine.encode(request)
        #expect(line.last == 0x0a)
        #expect(line.filter { $0 == 0x0a }.count == 1)
        return try WireLine.decode(ControlRequest.self, from: line)
    }

    @Test("requests survive the wire")
    func requests() throws {
        var filter = FilterArguments()
        filter.ids = ["0000000000001"]
        filter.sender = "<>"
        filter.olderThan = 3600
        let requests: [ControlRequest] = [
            .status, .reload, .flush, .summary(SummaryArguments()), .show(ShowArguments(id: "x")),
            .list(ListArguments(filter: filter, limit: 5, after: 7, recipients: false)),
            .operate(OperateArguments(operation: "hold", filter: filter, dryRun: true)),
            .trace(TraceArguments(subject: "a@x.example\n\u{1b}", limit: 3)),
        ]
        for request in requests { #expect(try roundTrip(request) == request) }
    }

    @Test("a request written by hand is understood")
    func byHand() throws {
        let line = #"{"command":"operate","operation":"bounce","filter":{"sender":"@x.example"},"dryRun":false}"#
        var filter = FilterArguments()
        filter.sender = "@x.example"
        #expect(try WireLine.decode(ControlRequest.self, from: line.utf8) == .operate(OperateArguments(operation: "bounce", filter: filter)))
    }

    @Test("what is not understood is explained", arguments: [
        ("", "not a JSON object"), ("hello", "not a JSON object"), ("{}", "“command” is missing"),
        (#"{"command":"dance"}"#, "“command” has a wrong value"), (#"{"command":"show"}"#, "“id” is missing"),
        (#"{"command":"show","id":5}"#, "“id” has a value of the wrong type"), ("[1]", "the request has a value of the wrong type"),
    ])
    func mistakes(_ line: String, _ message: String) {
        #expect(throws: ControlFailure(.badRequest, message)) { try WireLine.decode(ControlRequest.self, from: line.utf8) }
    }

    @Test("deep nesting is refused, not followed")
    func depth() {
        let line = #"{"command":"#  + String(repeating: "[", count: 200_000)
        #expect(throws: ControlFailure.self) { try WireLine.decode(ControlRequest.self, from: line.utf8) }
    }

    @Test("filters name the value that is wrong")
    func filters() throws {
        func failure(_ change: (inout FilterArguments) -> Void) -> String? {
            var filter = FilterArguments()
            change(&filter)
            do throws(ControlFailure) {
                _ = try filter.queueFilter()
                return nil
            } catch {
                return error.message
            }
        }
        #expect(failure { $0.ids = ["nonsense"] } == "“nonsense” is no queue id: expected 13 letters and digits")
        #expect(failure { $0.sender = "a@@b" } == "sender “a@@b”: expected an address, @domain or <>")
        #expect(failure { $0.state = "lost" } == "state “lost”: expected one of resolving, deferred, ready, delivering, settling, held")
        #expect(failure { $0.olderThan = -1 } != nil)
        #expect(failure { $0.youngerThan = .max } != nil)
        #expect(failure { $0.ids = Array(repeating: "0000000000001", count: FilterArguments.maxIDs + 1) } != nil)
        #expect(failure {
            $0.sender = "<>"
            $0.recipient = "@x.example"
            $0.state = "held"
        } == nil)
    }

    @Test("events keep the order of their fields and the kinds of their values")
    func events() throws {
        let line = EventLine([
            EventField("time", .text("2026-11-21T19:00:00Z")), EventField("b", .number(-5)), EventField("a", .flag(true)),
            EventField("results", .list([.object([EventField("z", .text("1")), EventField("y", .list([]))]), .text("t"), .number(1)])),
        ])
        #expect(try WireLine.decode(EventLine.self, from: WireLine.encode(line)) == line)
    }
}

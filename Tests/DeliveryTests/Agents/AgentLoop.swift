import Events
@testable import MailQueue
import MessageFormat
import Ports
@testable import Delivery

/// A loop that is a queue of jobs, run by the test until none is left.
final class AgentLoop: Loop, @unchecked Sendable {
    var now = Timestamp(seconds: 1_795_287_555)
    var isCurrent: Bool { true }
    private var jobs: [@Sendable () -> Void] = []

    func execute(_ job: @escaping @Sendable () -> Void) { jobs.append(job) }

    func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer {
        preconditionFailure("mailboxes have no timers")
    }

    func drain() {
        while !jobs.isEmpty {
            let turn = jobs
            jobs = []
            for job in turn { job() }
        }
    }

    /// What `agent` reports of one attempt.
    func report(of agent: any DeliveryAgent, _ attempt: Attempt, to nextHop: NextHop) -> AttemptReport? {
        var reports: [AttemptReport] = []
        agent.deliver(DeliveryRequest(attempt: attempt, nextHop: nextHop)) { report, _ in reports.append(report) }
        drain()
        return reports.count == 1 ? reports.first : nil
    }
}

extension Attempt {
    /// An attempt to deliver `content` to `recipients`, from `sender`.
    static func sample(to recipients: [String], from sender: String = "sender@x.example", _ content: MessageContent) throws -> Attempt {
        let reversePath: ReversePath = sender.isEmpty ? .null : .mailbox(try EmailAddress(parsing: sender))
        let all = try recipients.map { Recipient(address: try EmailAddress(parsing: $0)) }
        return Attempt(id: AttemptID(rawValue: 1), message: QueueID(rawValue: 0x0100_0000_0000_002a), number: 1,
                       destination: DestinationKey(route: RouteID(0)), site: SiteID(index: 0, generation: 0),
                       envelope: Envelope(reversePath: reversePath, recipients: all, arrival: Timestamp(seconds: 0)),
                       recipients: Array(0..<UInt16(all.count)), content: content, started: Timestamp(seconds: 0))
    }
}

extension MessageContent {
    static func sample(_ prefix: String, _ body: String) -> MessageContent {
        MessageContent(prefix: Array(prefix.utf8), body: Array(body.utf8))
    }
}

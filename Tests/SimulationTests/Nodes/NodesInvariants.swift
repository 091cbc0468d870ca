import BatonTesting
import Ports
@testable import simulate

/// What must hold for a history of several nodes that has come to its end.
struct NodesInvariants {
    private let world: NodesWorld
    private var arrivals: [String: [MailLedger.Arrival]] = [:]
    private var reports: [String: [(action: String, messageID: String)]] = [:]
    private(set) var broken: [String] = []
    /// Copies beyond the first of which no node could know.
    private(set) var duplicates = 0

    init(_ world: NodesWorld) {
        self.world = world
        for arrival in world.ledger.arrivals {
            for recipient in arrival.recipients { arrivals[recipient, default: []].append(arrival) }
            if arrival.reversePath.isEmpty, arrival.host.hasSuffix(WorldPlan.senderDomain) { read(arrival) }
        }
    }

    /// How many reports of each kind came back.
    var reportCounts: [String: Int] {
        reports.values.joined().reduce(into: [:]) { counts, report in counts[report.action, default: 0] += 1 }
    }

    /// Everything that does not hold, in words.
    mutating func check() -> [String] {
        broken = world.violations + world.store.watch.violations
        for submission in world.ledger.submissions {
            switch submission.result {
            case .none: fail("message \(submission.token) was never answered")
            case .accepted: for recipient in finals(submission.acceptedRecipients) { checkAccepted(recipient, submission) }
            case .refused: for recipient in finals(submission.recipients) where arrivals[recipient] != nil {
                fail("\(recipient) got a message that was refused")
            }
            case .refusedWhole, .unknown: break
            }
            for recipient in finals(submission.recipients) { checkCopies(recipient, submission) }
        }
        checkReader()
        return broken
    }

    private func finals(_ recipients: [String]) -> [String] { recipients.flatMap(world.plan.finals) }

    /// An accepted recipient has an end, and only one.
    private mutating func checkAccepted(_ recipient: String, _ submission: MailLedger.Submission) {
        let taken = arrivals[recipient] ?? []
        let own = reports[recipient] ?? []
        let failed = own.filter { $0.action == "failed" }
        let wantsFailure = !submission.reversePath.isEmpty && (submission.notify.isEmpty || submission.notify.contains("FAILURE"))
        let isHopeless = !wantsFailure && (world.ledger.refusals[recipient] != nil || isUndeliverable(recipient))
        if taken.isEmpty, failed.isEmpty, !isHopeless { fail("\(recipient) is lost") }
        if !wantsFailure, !failed.isEmpty { fail("\(recipient): a bounce that nobody wants") }
        if submission.reversePath.isEmpty, !own.isEmpty { fail("\(recipient): a report to the null reverse-path") }
        for action in ["failed", "delayed", "relayed", "delivered"]
        where Set(own.filter { $0.action == action }.map(\.messageID)).count > 1 { fail("\(recipient): a second report “\(action)”") }
        if !failed.isEmpty, let last = taken.last, last.confirmed != nil, world.excused[recipient] == nil {
            fail("\(recipient): delivered and bounced")
        }
    }

    /// Copies are whole; each but the last is one of which the node could not know, or could not tell.
    private mutating func checkCopies(_ recipient: String, _ submission: MailLedger.Submission) {
        let taken = arrivals[recipient] ?? []
        for arrival in taken {
            let isWhole = arrival.content.count > submission.content.count
                && arrival.content.suffix(submission.content.count).elementsEqual(submission.content)
                && arrival.content.starts(with: Array("Received: ".utf8))
            if !isWhole { fail("\(recipient) got other bytes than were sent") }
            if arrival.reversePath != submission.reversePath { fail("\(recipient): another reverse-path") }
        }
        duplicates += max(0, taken.count - 1)
        let known = taken.filter { $0.confirmed != nil }.count
        // At most one copy more for each attempt that was open when its node lost the place.
        if known > 1 + (world.excused[recipient] ?? 0) { fail("\(recipient): \(known) copies, excuses for \(world.excused[recipient] ?? 0)") }
    }

    /// A reader that went along has seen every group once, in order.
    private mutating func checkReader() {
        let all = world.store.history.map(\.position)
        if all != all.sorted() { fail("positions are not in the order of commits") }
        if world.seen != all { fail("the reader saw \(world.seen.count) groups of \(all.count), or in another order") }
    }

    private func isUndeliverable(_ recipient: String) -> Bool {
        world.plan.domains.contains { recipient.hasSuffix("@" + $0.name) && $0.kind != .ordinary }
    }

    private mutating func fail(_ what: String) { if broken.count < 20 { broken.append(what) } }

    private mutating func read(_ arrival: MailLedger.Arrival) {
        var recipient = ""
        var messageID = ""
        for line in String(decoding: arrival.content, as: UTF8.self).split(separator: "\r\n") {
            if messageID.isEmpty, line.hasPrefix("Message-ID: ") { messageID = String(line.dropFirst(12)) }
            if line.hasPrefix("Final-Recipient: ") {
                recipient = line.split(separator: ";").last.map { String($0.filter { $0 != " " }) } ?? ""
            }
            if line.hasPrefix("Action: ") { reports[recipient, default: []].append((String(line.dropFirst(8)), messageID)) }
        }
    }
}

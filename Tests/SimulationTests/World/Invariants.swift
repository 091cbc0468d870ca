import BatonTesting
import Ports

/// What must hold for a history that has come to its end.
struct Invariants {
    /// A delivery status notification as it came back to a sender.
    struct Report {
        let recipient: String
        let action: String
        let messageID: String
        let arrival: MailLedger.Arrival
    }

    private let world: RelayWorld
    private let ledger: MailLedger
    private var arrivals: [String: [MailLedger.Arrival]] = [:]
    private var reports: [String: [Report]] = [:]
    private(set) var broken: [String] = []

    init(_ world: RelayWorld) {
        self.world = world
        ledger = world.ledger
        for arrival in ledger.arrivals {
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
        broken = world.violations
        for submission in ledger.submissions {
            switch submission.result {
            case .none: fail("message \(submission.token) was never answered")
            case .accepted: for recipient in finals(submission.acceptedRecipients) { checkAccepted(recipient, submission) }
            case .refused: for recipient in finals(submission.recipients) where arrivals[recipient] != nil {
                fail("\(recipient) got a message that was refused")
            }
            case .refusedWhole(let code): if code >= 500 {
                for recipient in finals(submission.recipients) where arrivals[recipient] != nil {
                    fail("\(recipient) got what was answered \(code)")
                }
            }
            case .unknown: break
            }
            for recipient in finals(submission.recipients) { checkContent(recipient, submission) }
        }
        return broken
    }

    private func finals(_ recipients: [String]) -> [String] { recipients.flatMap(world.plan.finals) }

    /// An accepted recipient has exactly one end.
    private mutating func checkAccepted(_ recipient: String, _ submission: MailLedger.Submission) {
        let taken = arrivals[recipient] ?? []
        let own = reports[recipient] ?? []
        let failed = own.filter { $0.action == "failed" }
        let delayed = own.filter { $0.action == "delayed" }
        let wantsFailure = !submission.reversePath.isEmpty
            && (submission.notify.isEmpty || submission.notify.contains("FAILURE"))
        let isHopeless = !wantsFailure && (ledger.refusals[recipient] != nil || isUndeliverable(recipient))
        if taken.isEmpty, failed.isEmpty, !isHopeless { fail("\(recipient) is lost") }
        if !wantsFailure, !failed.isEmpty { fail("\(recipient): a bounce that nobody wants") }
        let isEarly = { (arrival: MailLedger.Arrival) in arrival.time != taken.last?.time }
        // Every copy but the last must be one of which Baton could not know.
        for arrival in taken where isEarly(arrival) && !isExcused(arrival) { fail("\(recipient): a duplicate without excuse") }
        if !failed.isEmpty, let last = taken.last, !isExcused(last) { fail("\(recipient): delivered and bounced") }
        checkOnce(recipient, failed, "bounce")
        checkOnce(recipient, delayed, "delay notice")
        if submission.reversePath.isEmpty, !own.isEmpty { fail("\(recipient): a report to the null reverse-path") }
    }

    /// At most one report of a kind, except that one whose record a power cut took may come again under another name.
    private mutating func checkOnce(_ recipient: String, _ reports: [Report], _ what: String) {
        var names: [String] = []
        for report in reports where !names.contains(report.messageID) { names.append(report.messageID) }
        guard names.count > 1 else { return }
        for name in names.dropLast() where !reports.contains(where: { $0.messageID == name && isForgettable($0.arrival) }) {
            fail("\(recipient): a second \(what)")
        }
    }

    /// What arrives is what was sent, under new trace fields.
    private mutating func checkContent(_ recipient: String, _ submission: MailLedger.Submission) {
        for arrival in arrivals[recipient] ?? [] {
            let isWhole = arrival.content.count > submission.content.count
                && arrival.content.suffix(submission.content.count).elementsEqual(submission.content)
                && arrival.content.starts(with: Array("Received: ".utf8))
            if !isWhole { fail("\(recipient) got other bytes than were sent") }
            if arrival.reversePath != submission.reversePath { fail("\(recipient): another reverse-path") }
        }
    }

    private func isUndeliverable(_ recipient: String) -> Bool {
        world.plan.domains.contains { recipient.hasSuffix("@" + $0.name) && $0.kind != .ordinary }
    }

    // MARK: Excuses

    /// Whether Baton could not know for certain that the message was taken: the reply was lost, or the record of it.
    private func isExcused(_ arrival: MailLedger.Arrival) -> Bool {
        guard let confirmed = arrival.confirmed else { return true }
        let mayBeUnrecorded = world.crashes.contains { $0.time >= arrival.time && $0.time <= confirmed + .seconds(1) }
        let diskFailed = world.diskTrouble.contains {
            $0.lowerBound <= confirmed + .seconds(1) && $0.upperBound + .seconds(10) >= arrival.time
        }
        return mayBeUnrecorded || diskFailed || isForgettable(arrival)
    }

    /// Whether a power cut came so soon that the record may not have been on the disk.
    private func isForgettable(_ arrival: MailLedger.Arrival) -> Bool {
        world.crashes.contains {
            $0.end == .powerCut && $0.time >= arrival.time && $0.time <= (arrival.confirmed ?? arrival.time) + .seconds(2)
        }
    }

    private mutating func fail(_ what: String) { if broken.count < 20 { broken.append(what) } }

    // MARK: Reports

    private mutating func read(_ arrival: MailLedger.Arrival) {
        var recipient = ""
        var messageID = ""
        for line in String(decoding: arrival.content, as: UTF8.self).split(separator: "\r\n") {
            if messageID.isEmpty, line.hasPrefix("Message-ID: ") { messageID = String(line.dropFirst(12)) }
            if line.hasPrefix("Final-Recipient: ") {
                recipient = line.split(separator: ";").last.map { String($0.filter { $0 != " " }) } ?? ""
            }
            if line.hasPrefix("Action: ") {
                reports[recipient, default: []].append(Report(recipient: recipient, action: String(line.dropFirst(8)),
                                                              messageID: messageID, arrival: arrival))
            }
        }
    }
}

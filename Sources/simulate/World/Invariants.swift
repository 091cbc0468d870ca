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

    /// What is known of a recipient of whom something does not hold, and of the world around it.
    private func story(_ recipient: String) -> String {
        func seconds(_ time: Timestamp?) -> String { time.map { "\(($0 - world.start).clampedNanoseconds / 1_000_000) ms" } ?? "never" }
        let copies = (arrivals[recipient] ?? []).map { "taken by \($0.host) at \(seconds($0.time)), confirmed \(seconds($0.confirmed))" }
        let notices = (reports[recipient] ?? []).map { "\($0.action) told at \(seconds($0.arrival.time)) in \($0.messageID)" }
        let crashes = world.crashes.map { "\($0.end) at \(seconds($0.time))" }
        let troubles = world.diskTrouble.map { "disk trouble \(seconds($0.lowerBound)) to \(seconds($0.upperBound))" }
        return (copies + notices + crashes + troubles).joined(separator: "; ")
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
        if taken.isEmpty, failed.isEmpty, !isHopeless { fail(recipient, "lost") }
        if !wantsFailure, !failed.isEmpty { fail(recipient, "a bounce that nobody wants") }
        // Every copy but one must be one of which Baton could not know; what a process had sent before it died may arrive last.
        let known = taken.filter { !isExcused($0) }
        if known.count > 1 { fail(recipient, "a duplicate without excuse") }
        // A bounce whose record a power cut took has been forgotten, and the next try may succeed.
        let isBounced = failed.contains { !isForgettable($0.arrival) && !isUnrecorded($0.arrival) }
        if isBounced, !known.isEmpty { fail(recipient, "delivered and bounced") }
        checkOnce(recipient, failed, "bounce")
        checkOnce(recipient, delayed, "delay notice")
        if submission.reversePath.isEmpty, !own.isEmpty { fail(recipient, "a report to the null reverse-path") }
    }

    /// At most one report of a kind, except that one whose record a power cut took may come again under another name.
    private mutating func checkOnce(_ recipient: String, _ reports: [Report], _ what: String) {
        var names: [String] = []
        for report in reports where !names.contains(report.messageID) { names.append(report.messageID) }
        guard names.count > 1 else { return }
        for name in names.dropLast() where !reports.contains(where: { $0.messageID == name && (isForgettable($0.arrival) || isUnrecorded($0.arrival)) }) {
            fail(recipient, "a second \(what)")
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

    /// Whether the record of a report waited in memory for a disk that failed, when a crash came.
    private func isUnrecorded(_ report: MailLedger.Arrival) -> Bool {
        world.diskTrouble.contains { trouble in
            trouble.contains(report.time) && world.crashes.contains { $0.time >= report.time && $0.time <= trouble.upperBound + .seconds(10) }
        }
    }

    /// Whether a power cut came so soon that the record may not have been on the disk.
    private func isForgettable(_ arrival: MailLedger.Arrival) -> Bool {
        // What was still on its way when the power went has arrived later than that.
        let sent = arrival.confirmed == nil ? arrival.time - .minutes(2) : arrival.time
        return world.crashes.contains {
            $0.end == .powerCut && $0.time >= sent && $0.time <= (arrival.confirmed ?? arrival.time) + .seconds(2)
        }
    }

    private mutating func fail(_ what: String) { if broken.count < 20 { broken.append(what) } }

    private mutating func fail(_ recipient: String, _ what: String) { fail("\(recipient): \(what) (\(story(recipient)))") }

    // MARK: Reports

    private mutating func read(_ arrival: MailLedger.Arrival) {
        var recipient = ""
        var messageID = ""
        for line in arrival.content.split(separator: 10) {
            guard let first = line.first, [0x4d, 0x46, 0x41].contains(first) else { continue }
            if messageID.isEmpty, let value = value(of: "Message-ID: ", in: line) { messageID = value }
            if let value = value(of: "Final-Recipient: ", in: line) {
                recipient = value.split(separator: ";").last.map { String($0.filter { $0 != " " }) } ?? ""
            }
            if let action = value(of: "Action: ", in: line) {
                reports[recipient, default: []].append(Report(recipient: recipient, action: action, messageID: messageID, arrival: arrival))
            }
        }
    }

    /// What follows `name` in a line that ends with CR; nil where it does not begin so.
    private func value(of name: StaticString, in line: ArraySlice<UInt8>) -> String? {
        let name = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        guard line.starts(with: name) else { return nil }
        return String(decoding: line.dropFirst(name.count).dropLast(), as: UTF8.self)
    }
}

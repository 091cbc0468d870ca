import Control
import Events
import Glibc

/// Waiting messages in words.
enum QueueText {
    /// A message as a list shows it.
    static func lines(_ message: ListedMessage, now: Int64) -> [String] {
        var title = "\(message.id)  \(age(message, now))  \(Readable.octets(message.size))  from \(name(message.sender))"
        if let hold = message.hold { title += "  held: \(holdWords(hold))" }
        if let crashes = message.crashes { title += "  (\(Readable.count(crashes, "crash").replacingPlural("crashs", "crashes")) while it was tried)" }
        var lines = [TerminalText.safe(title)]
        for entry in message.entries { lines += self.lines(entry, now: now).map { "    " + TerminalText.safe($0) } }
        return lines
    }

    /// A message with everything about it.
    static func lines(_ report: MessageReport, now: Int64) -> [String] {
        var lines = self.lines(report.message, now: now)
        func add(_ name: String, _ value: String?) {
            if let value, !value.isEmpty { lines.append(TerminalText.safe("\(name): \(value)")) }
        }
        add("accepted", report.message.arrival)
        for field in report.origin.fields { add(field.name, report.origin[field.name]) }
        add("body", report.body + (report.smtpUTF8 ? ", SMTPUTF8" : ""))
        add("envelope id", report.envelopeID)
        add("return", report.returnContent)
        for recipient in report.recipients {
            var text = recipient.address
            if let notify = recipient.notify { text += " notify=\(notify)" }
            if let original = recipient.originalRecipient { text += " orcpt=\(original)" }
            add(recipient.expanded ? "alias" : "recipient", text)
        }
        if !report.addedHeader.isEmpty {
            lines.append("added header:")
            for line in report.addedHeader.split(whereSeparator: \.isNewline) { lines.append("    " + TerminalText.safe(line.replacingTabs)) }
        }
        return lines
    }

    private static func lines(_ entry: ListedEntry, now: Int64) -> [String] {
        var who = entry.recipients.prefix(5).joined(separator: ", ")
        if entry.recipients.isEmpty { who = "\(Readable.count(entry.recipientCount, "recipient")) at \(entry.host)" }
        else if entry.recipientCount > 5 { who += " and \(entry.recipientCount - 5) more" }
        var state = entry.state
        if let reason = entry.reason, reason.kind != entry.state { state += ": \(reason.words)" }
        if let next = entry.nextAttemptSeconds ?? entry.reason?.untilSeconds { state += "; next try in \(Readable.duration(seconds: next - now))" }
        if entry.attempts > 0 { state += "; \(Readable.count(entry.attempts, "attempt"))" }
        var lines = ["to \(who)", "  \(state)"]
        if let site = entry.site { lines[1] += "; site \(site)" }
        if let last = entry.lastOutcome { lines.append("  last: \(last.words)") }
        return lines
    }

    private static func age(_ message: ListedMessage, _ now: Int64) -> String { Readable.duration(seconds: now - message.arrivalSeconds) }

    static func name(_ sender: String) -> String { sender.isEmpty ? "<>" : sender }

    private static func holdWords(_ reason: String) -> String {
        switch reason {
        case "operator": "by an operator"
        case "crash-loop": "the process died while it was tried; look at it before `baton queue release`"
        case "unreadable": "the log holds it damaged"
        case "account": "its account behaves as if it were in other hands"
        default: reason
        }
    }
}

extension Substring {
    fileprivate var replacingTabs: String { String(map { $0 == "\t" ? " " : $0 }) }
}

extension String {
    fileprivate func replacingPlural(_ wrong: String, _ right: String) -> String {
        hasSuffix(wrong) ? String(dropLast(wrong.count)) + right : self
    }
}

/// The wall clock of the terminal's side, to say how long ago and how soon.
func wallSeconds() -> Int64 { Int64(time(nil)) }

/// `value` as one line of JSON that is safe on a terminal.
func jsonLine(_ value: some Encodable) -> String {
    var line = WireLine.encode(value)
    if line.last == 0x0a { line.removeLast() }
    return TerminalText.safeJSON(String(decoding: line, as: UTF8.self))
}

import ArgumentParser
import Control
import Events

/// `baton trace`: what happened to a message, and why it waits.
struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Tell what happened to a message and why it waits.",
        discussion: "With an address, the last messages from or to it are told, newest first.")

    @Argument(help: "A queue id, or an address.")
    var subject: String

    @Option(help: "Messages of an address at most.")
    var limit = 20

    @OptionGroup var options: ControlOptions

    func run() throws {
        let arguments = TraceArguments(subject: subject, limit: limit)
        let report = try options.ask(.trace(arguments), for: TraceReport.self)
        if options.json { return print(TraceText.json(report)) }
        for (index, message) in report.messages.enumerated() {
            if index > 0 { print("") }
            for line in TraceText.lines(message, now: wallSeconds()) { print(line) }
        }
        if report.isCut { print("\n… there may be older ones: see --limit") }
    }
}

/// Histories in words.
enum TraceText {
    /// One message: a line for each event, results below.
    static func lines(_ message: TracedMessage, now: Int64) -> [String] {
        var lines = [TerminalText.safe(message.id)]
        for event in message.events { lines += self.lines(event) }
        if message.unreadable > 0 { lines.append("  (\(Readable.count(message.unreadable, "record")) could not be read)") }
        if let waiting = message.waiting {
            lines.append("  now:")
            lines += QueueText.lines(waiting, now: now).dropFirst().map { "  " + $0 }
        }
        return lines
    }

    /// All of it as lines of JSON: the events as objects of their fields, then the message where it still waits.
    static func json(_ report: TraceReport) -> String {
        report.messages.flatMap { message in
            message.events.map { String(decoding: JSONLine.object($0.fields), as: UTF8.self) }
                + (message.waiting.map { [jsonLine(["waiting": $0])] } ?? [])
        }.joined(separator: "\n")
    }

    private static func lines(_ event: EventLine) -> [String] {
        var simple: [EventField] = []
        var results: [[EventField]] = []
        for field in event.fields where !["time", "event", "id"].contains(field.name) {
            if field.name == "results", case .list(let values) = field.value {
                results = values.compactMap { if case .object(let fields) = $0 { fields } else { nil } }
            } else {
                simple.append(field)
            }
        }
        let head = "  \(event["time"] ?? "")  \(event["event"] ?? "")"
        var lines = [TerminalText.safe(head) + (simple.isEmpty ? "" : "  " + text(simple))]
        lines += results.map { "      " + text($0) }
        return lines
    }

    /// `TextLine` escapes what a terminal must not see.
    private static func text(_ fields: [EventField]) -> String { String(decoding: TextLine.fields(fields), as: UTF8.self) }
}

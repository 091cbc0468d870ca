import ArgumentParser
import Control

/// `baton queue`: what waits, why, and what to do about it.
struct QueueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "Show waiting messages, and hold, release, retry, bounce or remove them.",
        subcommands: [QueueList.self, QueueSummaryCommand.self, QueueShow.self, QueueHold.self, QueueRelease.self,
                      QueueRetry.self, QueueBounce.self, QueueRemove.self, QueueFlush.self, QueueFsck.self],
        defaultSubcommand: QueueList.self)
}

/// `baton queue list`.
struct QueueList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List waiting messages; what `baton queue` does.")

    @OptionGroup var filter: QueueFilterOptions
    @OptionGroup var options: ControlOptions

    @Option(help: "How many messages at most; 0 for all.")
    var limit = 100

    func run() throws {
        let asking = try options.connect()
        var rest = limit == 0 ? Int.max : max(1, limit)
        var cursor: UInt32?
        var shown = 0
        let now = wallSeconds()
        repeat {
            let arguments = ListArguments(filter: filter.arguments, limit: min(rest, ListArguments.maxLimit), after: cursor)
            let page = try asking.ask(.list(arguments), for: QueueListing.self)
            for message in page.messages {
                print(options.json ? jsonLine(message) : QueueText.lines(message, now: now).joined(separator: "\n"))
            }
            shown += page.messages.count
            rest -= page.messages.count
            cursor = page.next
        } while cursor != nil && rest > 0
        guard !options.json else { return }
        if shown == 0 { print("Nothing waits that fits.") } else if cursor != nil { print("… and more: see --limit and `baton queue summary`") }
    }
}

/// `baton queue summary`.
struct QueueSummaryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "summary", abstract: "Count waiting mail by destination and age.")

    @OptionGroup var options: ControlOptions

    @Option(help: "How many destinations at most; 0 for all.")
    var limit = 30

    func run() throws {
        let summary = try options.ask(.summary(SummaryArguments()), for: QueueSummary.self)
        if options.json { return print(WireLine.pretty(summary)) }
        let bounds = summary.bounds.map { Readable.duration(seconds: $0) }
        var table = Table(["destination", ">all"] + bounds.map { ">" + $0 } + [">older"])
        if summary.rows.count != 1 { table.add(row("TOTAL", total(summary))) }
        for row in limit == 0 ? summary.rows[...] : summary.rows.prefix(max(1, limit)) {
            table.add([row.destination, String(row.total)] + row.counts.map { String($0) })
        }
        for line in table.lines { print(line) }
    }

    private func total(_ summary: QueueSummary) -> [Int] {
        summary.rows.reduce(into: Array(repeating: 0, count: summary.bounds.count + 1)) { sums, row in
            for (column, count) in row.counts.enumerated() where column < sums.count { sums[column] += count }
        }
    }

    private func row(_ name: String, _ counts: [Int]) -> [String] {
        [name, String(counts.reduce(0, +))] + counts.map { String($0) }
    }
}

/// `baton queue show`.
struct QueueShow: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show everything about one waiting message.")

    @Argument(help: "The queue id.")
    var id: String

    @OptionGroup var options: ControlOptions

    func run() throws {
        let report = try options.ask(.show(ShowArguments(id: id)), for: MessageReport.self)
        if options.json { return print(WireLine.pretty(report)) }
        for line in QueueText.lines(report, now: wallSeconds()) { print(line) }
    }
}

/// `baton queue flush`.
struct QueueFlush: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "flush", abstract: "Try all waiting mail now.")

    @OptionGroup var options: ControlOptions

    func run() throws {
        let report = try options.ask(.flush, for: FlushReport.self)
        print(options.json ? jsonLine(report) : "\(Readable.count(report.messages, "message")) will be tried now.")
    }
}

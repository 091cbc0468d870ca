import ArgumentParser
import Control

/// The messages that an operation is for.
struct OperationTarget: ParsableArguments {
    @Argument(help: "Queue ids.")
    var ids: [String] = []

    @OptionGroup var filter: QueueFilterOptions

    @Flag(help: "Every message that waits; needed where neither ids nor a filter are given.")
    var all = false

    @Flag(help: "Only tell what would be done.")
    var dryRun = false

    @OptionGroup var options: ControlOptions

    /// Has the daemon do it and tells the result.
    func perform(_ operation: String, done: String) throws {
        var arguments = filter.arguments
        if !ids.isEmpty { arguments.ids = ids }
        if all { arguments.all = true }
        guard !arguments.isUnconditional || all else {
            throw ValidationError("Name messages by their ids or by a filter such as --sender or --site, or say --all.")
        }
        let request = OperateArguments(operation: operation, filter: arguments, dryRun: dryRun, progress: !options.json)
        let report = try options.ask(.operate(request), for: OperationReport.self) { progress in
            printError("\(Readable.count(progress.count, "message")) \(done) so far …")
        }
        if options.json { return print(jsonLine(report)) }
        for id in report.messages { print(TerminalText.safe(id)) }
        if report.count > report.messages.count { print("… and \(report.count - report.messages.count) more") }
        print("\(Readable.count(report.count, "message")) \(report.dryRun ? "would be " : "")\(done).")
        if report.busy > 0 { printError("\(Readable.count(report.busy, "message")) left alone: being delivered right now.") }
        if report.failed > 0 {
            printError("\(Readable.count(report.failed, "message")) not changed: the log could not be read or written. Repeat the command when `baton status` says that it is running.")
            throw ExitCode(1)
        }
    }
}

/// `baton queue hold`.
struct QueueHold: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "hold", abstract: "Keep messages from being tried until they are released.")
    @OptionGroup var target: OperationTarget
    func run() throws { try target.perform("hold", done: "held") }
}

/// `baton queue release`.
struct QueueRelease: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "release", abstract: "Let held messages go on.")
    @OptionGroup var target: OperationTarget
    func run() throws { try target.perform("release", done: "released") }
}

/// `baton queue retry`.
struct QueueRetry: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "retry", abstract: "Try messages now instead of at their time.")
    @OptionGroup var target: OperationTarget
    func run() throws { try target.perform("retry", done: "scheduled for now") }
}

/// `baton queue bounce`.
struct QueueBounce: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bounce", abstract: "Give messages up and tell their senders.")
    @OptionGroup var target: OperationTarget
    func run() throws { try target.perform("bounce", done: "bounced") }
}

/// `baton queue remove`.
struct QueueRemove: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Take messages away without telling anybody.")
    @OptionGroup var target: OperationTarget
    func run() throws { try target.perform("remove", done: "removed") }
}

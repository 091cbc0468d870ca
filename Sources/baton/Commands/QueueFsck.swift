import ArgumentParser
import Configuration
import Control

/// `baton queue fsck`: whether the spool holds what it should.
struct QueueFsck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fsck", abstract: "Verify the spool while Baton is stopped; explain and repair what is damaged.",
        discussion: """
            Reads every file of the log and every waiting message. Without --repair nothing is changed. A repair never deletes: what is \
            damaged or not understood is copied to `quarantine` in the spool, and messages that cannot be read are held. Ends with 1 when \
            something needs a person.
            """)

    @Option(name: .shortAndLong, help: "The configuration file.")
    var config = "/etc/baton/baton.yaml"

    @Flag(help: "Put right what can be.")
    var repair = false

    @Flag(help: "Print JSON for programs instead of text for people.")
    var json = false

    func run() throws {
        let configuration = try loadConfiguration(config)
        let report: SpoolReport
        do {
            report = try SpoolInspection(configuration: configuration, repairs: repair).run()
        } catch {
            printError("\(error)")
            throw ExitCode(1)
        }
        print(json ? jsonLine(report) : FsckText.lines(report, isRepair: repair, spool: configuration.spool.directory).joined(separator: "\n"))
        if !report.isClean, !report.repaired { throw ExitCode(1) }
    }
}

/// The report in words.
enum FsckText {
    static func lines(_ report: SpoolReport, isRepair: Bool, spool: String) -> [String] {
        var lines = ["\(Readable.count(report.messages, "message")) in the queue, \(report.readable) read back whole."]
        if report.tornTail { lines.append("The last append was cut off by a crash; nothing in it had been acknowledged. This is normal.") }
        lines += report.damage.map { "damage: \($0)" }
        lines += report.unreadable.map { "unreadable: \($0)" }
        lines += report.damagedMessages.map { "message \($0): its record in the log is damaged; it is held" }
        lines += report.failures.map { "failed: \($0)" }
        switch (report.isClean, isRepair) {
        case (true, _): lines.append("Nothing is wrong.")
        case (false, true) where report.repaired:
            lines.append("Done: copies are in \(spool)/log/quarantine. Start Baton; `baton queue list --state held` shows what is held.")
        case (false, true): lines.append("Not everything could be put right; nothing was deleted.")
        case (false, false): lines.append("Nothing was changed. `baton queue fsck --repair` puts this aside and holds damaged messages.")
        }
        return lines.map { TerminalText.safe($0) }
    }
}

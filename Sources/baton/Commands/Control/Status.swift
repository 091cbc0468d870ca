import ArgumentParser
import Control

/// `baton status`: how the daemon is.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Tell how the daemon and its queue are.")

    @OptionGroup var options: ControlOptions

    func run() throws {
        let status = try options.ask(.status, for: StatusReport.self)
        if options.json { return print(WireLine.pretty(status)) }
        for line in StatusText.lines(status) { print(line) }
    }
}

/// `baton reload`: puts a changed configuration in force.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Put a changed configuration file in force; no connection drops.",
        discussion: "A file with mistakes changes nothing.")

    @OptionGroup var options: ControlOptions

    func run() throws {
        let report = try options.ask(.reload, for: ReloadReport.self)
        if options.json { return print(jsonLine(report)) }
        if report.changed.isEmpty, report.needRestart.isEmpty { print("Nothing has changed.") }
        if !report.changed.isEmpty { print("In force: \(TerminalText.safe(report.changed.joined(separator: ", ")))") }
        if !report.needRestart.isEmpty {
            print("Needs a restart: \(TerminalText.safe(report.needRestart.joined(separator: ", ")))")
        }
    }
}

/// A status in words.
enum StatusText {
    static func lines(_ status: StatusReport) -> [String] {
        let queue = status.queue
        var lines = [
            "Baton \(status.version) on \(status.hostName), process \(status.processID): \(status.condition), up \(Readable.duration(seconds: status.uptime))",
            "listening: \(status.listeners.isEmpty ? "nowhere" : status.listeners.joined(separator: ", ")); \(Readable.count(status.sessions, "session")) open",
            "waiting:   \(Readable.count(queue.messages, "message")): \(queue.deferred) deferred, \(queue.ready) ready, "
                + "\(queue.delivering) delivering, \(queue.resolving) resolving, \(queue.held) held",
            "so far:    \(queue.accepted) accepted, \(queue.refused) refused, \(queue.delivered) delivered, "
                + "\(queue.deferrals) deferred, \(queue.bounced) bounced, \(queue.reports) notices",
            "memory:    \(Readable.octets(UInt64(max(0, queue.bodyMemory)))) of bodies; \(Readable.octets(queue.uncommitted)) of unfinished messages in the log",
        ].map { TerminalText.safe($0) }
        if queue.crashHolds > 0 {
            lines.append("attention: held after crashes: \(queue.crashHolds); see `baton queue list --state held`")
        }
        if queue.unreadable > 0 {
            lines.append("attention: unreadable records: \(queue.unreadable); nothing is freed until they are put aside: stop Baton and run `baton queue fsck`")
        }
        guard !status.sites.isEmpty else { return lines }
        var table = Table(["site", ">ready", ">in flight", ">at most", "state"])
        for site in status.sites.prefix(20) {
            table.add([site.site, String(site.ready), String(site.inFlight), String(site.concurrency), site.reason?.words ?? "in order"])
        }
        return lines + [""] + table.lines
    }
}

import ArgumentParser
import Control

/// `baton dkim check`: whether DNS publishes what signs.
struct DKIMCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check that the keys are published and match.",
        discussion: "Ends with 1 when a key that signs is not published as it is.")

    @OptionGroup var keys: KeyDirectoryOptions
    @OptionGroup var lookup: LookupOptions

    @Argument(help: "One domain only.")
    var domain: String?

    @Flag(help: "Print JSON for programs instead of text for people.")
    var json = false

    func run() throws {
        let check = PublishedKeyCheck(resolver: try lookup.resolver(keys.config))
        var rows: [KeyReport] = []
        var isGood = true
        for entry in try keys.entries(of: domain) {
            let finding = check.finding(entry)
            if entry.stage == .active, finding != .published { isGood = false }
            var row = KeyReport(entry)
            row.dns = finding.words
            rows.append(row)
        }
        if json {
            print(WireLine.pretty(rows))
        } else {
            var table = Table(["DOMAIN", "SELECTOR", "KEY", "STAGE", "DNS"])
            for row in rows { table.add([row.domain, row.selector, row.key, row.stage, row.dns ?? ""]) }
            for line in table.lines { print(line) }
        }
        if !isGood { throw ExitCode.failure }
    }
}

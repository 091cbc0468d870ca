import ArgumentParser
import Control
import MailAuth
import MessageFormat
import Ports

/// `baton dkim list`: the keys and how far each has come.
struct DKIMList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the keys.")

    @OptionGroup var keys: KeyDirectoryOptions

    @Argument(help: "One domain only.")
    var domain: String?

    @Flag(help: "Print JSON for programs instead of text for people.")
    var json = false

    func run() throws {
        let rows = try keys.entries(of: domain).map { KeyReport($0) }
        if json { return print(WireLine.pretty(rows)) }
        var table = Table(["DOMAIN", "SELECTOR", "KEY", "STAGE", "SINCE"])
        for row in rows { table.add([row.domain, row.selector, row.key, row.stage, row.since]) }
        for line in table.lines { print(line) }
    }
}

/// What is told of a key.
struct KeyReport: Codable, Sendable {
    let domain: String
    let selector: String
    let key: String
    let stage: String
    /// When it came to its stage (RFC 3339).
    let since: String
    /// What DNS says of it, where that was asked.
    var dns: String?

    init(_ entry: KeyDirectory.Entry) {
        domain = entry.domain.ascii
        selector = entry.selector
        key = entry.key.description
        stage = entry.stage.rawValue
        since = DateTime.rfc3339(Timestamp(seconds: entry.since))
    }
}

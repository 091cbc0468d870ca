import ArgumentParser

/// `baton dkim record`: what to publish.
struct DKIMRecord: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record", abstract: "Print the DNS records of a domain's keys, as lines of a zone file.")

    @OptionGroup var keys: KeyDirectoryOptions

    @Argument(help: "The signing domain.")
    var domain: String

    @Option(help: "One selector only.")
    var selector: String?

    @Flag(help: "Print name and text alone, for forms that cut the strings themselves.")
    var plain = false

    func run() throws {
        let entries = try keys.entries(of: domain).filter { selector == nil || $0.selector == selector }
        guard !entries.isEmpty else {
            printError("there is no such key")
            throw ExitCode.failure
        }
        for entry in entries {
            let record = PublishedKey(entry)
            print(plain ? "\(record.name)\n\(record.text)" : record.zoneLine)
        }
    }
}

import ArgumentParser
import Configuration

/// `baton check`: every mistake of a configuration file at once.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check a configuration file.",
        discussion: "Names every mistake with line, column, what was expected and the nearest known key; ends with 78 if there are any.")

    @Argument(help: "The configuration file.")
    var file = "/etc/baton/baton.yaml"

    @Flag(help: "Print the reference of all keys, as docs/CONFIGURATION.md has it, and check nothing.")
    var reference = false

    @Flag(help: "Print the annotated example, and check nothing.")
    var example = false

    func run() throws {
        if reference { return print(BatonConfiguration.referencePage, terminator: "") }
        if example { return print(BatonConfiguration.exampleFile, terminator: "") }
        let configuration = try loadConfiguration(file)
        do {
            _ = try configuration.makeTemplates()
        } catch {
            printError(error.mistakes.map { "\(file): bounces.templates: \($0)" }.joined(separator: "\n"))
            throw ExitCode(78)
        }
        do {
            _ = try configuration.makeSigningRules()
        } catch {
            printError("\(file): dkim.directory: \(error)")
            throw ExitCode(78)
        }
        do {
            _ = try configuration.makeSealingRules()
        } catch {
            printError("\(file): forwarding.seal: \(error)")
            throw ExitCode(78)
        }
        print("\(file): no mistakes")
    }
}

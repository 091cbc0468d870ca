import ArgumentParser
import Configuration
import MessageFormat

/// Where the keys lie, as every `baton dkim` command asks for it.
struct KeyDirectoryOptions: ParsableArguments {
    @Option(help: "The directory of keys; otherwise the one that the configuration names.")
    var directory: String?

    @Option(name: .shortAndLong, help: "The configuration file.")
    var config = "/etc/baton/baton.yaml"

    /// The directory; ends the command where there is none.
    func keys() throws -> KeyDirectory {
        if let directory { return KeyDirectory(path: directory) }
        guard let path = try loadConfiguration(config).dkim.directory else {
            throw ValidationError("\(config) names no dkim.directory: set it, or give --directory")
        }
        return KeyDirectory(path: path)
    }

    /// The keys of `name`, or all of them; prints what is wrong with the files and ends the command.
    func entries(of name: String?) throws -> [KeyDirectory.Entry] {
        let keys = try self.keys()
        let domain = try name.map(KeyDirectoryOptions.domain)
        do throws(KeyDirectoryError) {
            if let domain { return try keys.entries(of: domain) }
            return try keys.entries()
        } catch {
            printError("\(error)")
            throw ExitCode.failure
        }
    }

    static func domain(_ text: String) throws -> Domain {
        guard let domain = try? Domain(parsing: text) else { throw ValidationError("expected a domain, found '\(text)'") }
        return domain
    }
}

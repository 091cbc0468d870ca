import Accounts
import ArgumentParser
import Configuration
import MessageFormat
import Ports
import SMTP
import Sockets

/// `baton account`: who may submit mail.
struct AccountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Manage the accounts that may submit mail.",
        discussion: "Works on the database itself, whether the daemon runs or not; what is changed counts from the next login on.",
        subcommands: [
            AccountAdd.self, AccountList.self, AccountShow.self, AccountSetPassword.self, AccountSetSenders.self, AccountDisable.self,
            AccountEnable.self, AccountRemove.self, AppPasswordCommand.self,
        ], defaultSubcommand: AccountList.self)
}

/// The options of all commands on accounts.
struct AccountOptions: ParsableArguments {
    @Option(help: "The database; otherwise the one that the configuration names.")
    var database: String?

    @Option(name: .shortAndLong, help: "The configuration file (default: /etc/baton/baton.yaml).")
    var config = "/etc/baton/baton.yaml"

    @Flag(help: "Print JSON for programs instead of text for people.")
    var json = false

    /// The database of accounts.
    func open() throws -> AccountDatabase {
        let path = try database ?? loadConfiguration(config).accountDatabase
        return try AccountDatabase(path: path)
    }

    /// The time that is noted.
    var now: Timestamp { ProcessClock().now }

    /// Prints `value` as JSON, or `text`.
    func tell(_ value: some Encodable, _ text: @autoclosure () -> String) {
        print(json ? jsonLine(value) : text())
    }
}

extension AccountName: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

/// An address pattern on the command line.
struct SenderArgument: ExpressibleByArgument {
    let pattern: SenderPatterns.Pattern

    init?(argument: String) {
        guard let pattern = SenderPatterns.Pattern(argument) else { return nil }
        self.pattern = pattern
    }
}

/// An account as programs see it; nothing of its passwords.
struct AccountReport: Encodable {
    struct AppPasswordReport: Encodable {
        var label: String
        var scopes: [String]
        var created: String
        var expires: String?
        var lastUsed: String?

        init(_ appPassword: AppPassword) {
            label = appPassword.label
            scopes = appPassword.scopes.map(\.rawValue).sorted()
            created = DateTime.rfc3339(appPassword.created)
            expires = appPassword.expires.map(DateTime.rfc3339)
            lastUsed = appPassword.lastUsed.map(DateTime.rfc3339)
        }
    }

    var name: String
    var senders: [String]
    var isDisabled: Bool
    var created: String
    var lastUsed: String?
    var appPasswords: [AppPasswordReport]

    init(_ account: Account) {
        name = account.name.description
        senders = account.allowedSenders.patterns.map(\.description)
        isDisabled = account.isDisabled
        created = DateTime.rfc3339(account.created)
        lastUsed = account.lastUsed.map(DateTime.rfc3339)
        appPasswords = account.appPasswords.map(AppPasswordReport.init)
    }
}

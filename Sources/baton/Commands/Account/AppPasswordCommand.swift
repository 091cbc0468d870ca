import Accounts
import ArgumentParser
import Control
import MessageFormat
import Ports
import SMTP

/// `baton account app-password`.
struct AppPasswordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "app-password", abstract: "Manage the passwords of an account's programs.",
        subcommands: [AppPasswordAdd.self, AppPasswordList.self, AppPasswordRevoke.self])
}

/// `baton account app-password add`.
struct AppPasswordAdd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Make an app password.", discussion: "It is printed once and stored nowhere but as a hash. It works with PLAIN and LOGIN.")
    @Argument(help: "The account.") var name: AccountName
    @Argument(help: "What to call it.") var label: String
    @Option(name: .customLong("scope"), help: "What it is good for: smtp, api; may be repeated.") var scopes: [AppPassword.Scope] = [.smtp]
    @Option(help: "Days after which it ends.") var days: Int?
    @OptionGroup var options: AccountOptions

    func validate() throws {
        guard (1...100).contains(label.utf8.count), !label.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
            throw ValidationError("a label has 1 to 100 octets and no control characters")
        }
        if let days, !(1...36_500).contains(days) { throw ValidationError("--days must be 1 to 36500") }
    }

    func run() throws {
        let now = options.now
        let expires = days.map { now + .days(Int64($0)) }
        let secret = try options.open().add(AppPassword(label: label, scopes: Set(scopes), created: now, expires: expires), to: name)
        PasswordOptions.tell(secret, of: name, options)
    }
}

/// `baton account app-password list`.
struct AppPasswordList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the app passwords of an account.")
    @Argument(help: "The account.") var name: AccountName
    @OptionGroup var options: AccountOptions

    func run() throws {
        guard let account = try options.open().account(name) else { throw AccountError.unknownAccount(name) }
        options.tell(AccountReport(account).appPasswords,
                     account.appPasswords.isEmpty ? "No app passwords." : AppPasswordList.table(account).joined(separator: "\n"))
    }

    static func table(_ account: Account) -> [String] {
        var table = Table(["APP PASSWORD", "SCOPES", "CREATED", "EXPIRES", "LAST USED"])
        for password in account.appPasswords {
            table.add([password.label, password.scopes.map(\.rawValue).sorted().joined(separator: " "), DateTime.rfc3339(password.created),
                       password.expires.map(DateTime.rfc3339) ?? "never", password.lastUsed.map(DateTime.rfc3339) ?? "never"])
        }
        return table.lines
    }
}

/// `baton account app-password revoke`.
struct AppPasswordRevoke: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "revoke", abstract: "End an app password.")
    @Argument(help: "The account.") var name: AccountName
    @Argument(help: "The app password.") var label: String
    @OptionGroup var options: AccountOptions

    func run() throws {
        try options.open().revokeAppPassword(label, of: name)
        options.tell(["name": name.description, "label": label], "App password \(TerminalText.safe(label)) revoked.")
    }
}

extension AppPassword.Scope: ExpressibleByArgument {}

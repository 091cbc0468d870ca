import Accounts
import ArgumentParser
import Control
import MessageFormat
import SMTP

/// `baton account add`.
struct AccountAdd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add an account.",
        discussion: "An account that is named by an address may send from it; any other needs --sender. Patterns: alice@example.org, @example.org, @*.example.org, *.")
    @Argument(help: "The name that its owner logs in with.") var name: AccountName
    @Option(name: .customLong("sender"), help: "An address or pattern that it may send from; may be repeated.") var senders: [SenderArgument] = []
    @OptionGroup var password: PasswordOptions
    @OptionGroup var options: AccountOptions

    func run() throws {
        let (secret, isGenerated) = try password.read()
        let account = Account(name: name, senders: senders.isEmpty ? nil : SenderPatterns(senders.map(\.pattern)), created: options.now)
        try options.open().add(account, password: secret)
        if isGenerated { return PasswordOptions.tell(secret, of: name, options) }
        options.tell(AccountReport(account), "Account \(TerminalText.safe(name.description)) added.")
        if account.allowedSenders == .none, !options.json {
            printError("It may not send from any address yet: see `baton account senders`.")
        }
    }
}

/// `baton account list`.
struct AccountList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the accounts.")
    @OptionGroup var options: AccountOptions

    func run() throws {
        let accounts = try options.open().accounts()
        if options.json { return print(jsonLine(accounts.map(AccountReport.init))) }
        if accounts.isEmpty { return print("No accounts. `baton account add NAME` makes one.") }
        var table = Table(["NAME", "STATE", ">APP PASSWORDS", "LAST USED", "SENDERS"])
        for account in accounts {
            table.add([account.name.description, account.isDisabled ? "disabled" : "enabled", String(account.appPasswords.count),
                       account.lastUsed.map(DateTime.rfc3339) ?? "never",
                       account.allowedSenders.patterns.map(\.description).joined(separator: ", ")])
        }
        print(table.lines.joined(separator: "\n"))
    }
}

/// `baton account show`.
struct AccountShow: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show an account with its app passwords.")
    @Argument(help: "The account.") var name: AccountName
    @OptionGroup var options: AccountOptions

    func run() throws {
        guard let account = try options.open().account(name) else { throw AccountError.unknownAccount(name) }
        if options.json { return print(jsonLine(AccountReport(account))) }
        print(TerminalText.safe("name:      \(account.name)"))
        print("state:     \(account.isDisabled ? "disabled" : "enabled")")
        print("created:   \(DateTime.rfc3339(account.created))")
        print("last used: \(account.lastUsed.map(DateTime.rfc3339) ?? "never")")
        print(TerminalText.safe("senders:   \(account.allowedSenders.patterns.map(\.description).joined(separator: ", "))"))
        guard !account.appPasswords.isEmpty else { return }
        print("")
        print(AppPasswordList.table(account).joined(separator: "\n"))
    }
}

/// `baton account password`.
struct AccountSetPassword: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "password", abstract: "Give an account another password.")
    @Argument(help: "The account.") var name: AccountName
    @OptionGroup var password: PasswordOptions
    @OptionGroup var options: AccountOptions

    func run() throws {
        let database = try options.open()
        guard try database.account(name) != nil else { throw AccountError.unknownAccount(name) }
        let (secret, isGenerated) = try password.read()
        try database.setPassword(secret, of: name)
        if isGenerated { return PasswordOptions.tell(secret, of: name, options) }
        options.tell(["name": name.description], "Password of \(TerminalText.safe(name.description)) changed.")
    }
}

/// `baton account senders`.
struct AccountSetSenders: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "senders", abstract: "Change the addresses that an account may send from.",
        discussion: "Without any, an account may send from the address that it is named by.")
    @Argument(help: "The account.") var name: AccountName
    @Argument(help: "Addresses and patterns: alice@example.org, @example.org, @*.example.org, *.") var senders: [SenderArgument] = []
    @OptionGroup var options: AccountOptions

    func run() throws {
        let database = try options.open()
        try database.setSenders(senders.isEmpty ? nil : SenderPatterns(senders.map(\.pattern)), of: name)
        guard let account = try database.account(name) else { throw AccountError.unknownAccount(name) }
        options.tell(AccountReport(account), "Senders of \(TerminalText.safe(name.description)) changed.")
    }
}

/// `baton account disable`.
struct AccountDisable: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "disable", abstract: "Let nobody log in as an account for now.")
    @Argument(help: "The account.") var name: AccountName
    @OptionGroup var options: AccountOptions

    func run() throws {
        try options.open().setDisabled(true, of: name)
        options.tell(["name": name.description], "Account \(TerminalText.safe(name.description)) disabled.")
    }
}

/// `baton account enable`.
struct AccountEnable: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "enable", abstract: "Let the owner of an account log in again.")
    @Argument(help: "The account.") var name: AccountName
    @OptionGroup var options: AccountOptions

    func run() throws {
        try options.open().setDisabled(false, of: name)
        options.tell(["name": name.description], "Account \(TerminalText.safe(name.description)) enabled.")
    }
}

/// `baton account remove`.
struct AccountRemove: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Remove an account with its app passwords.")
    @Argument(help: "The account.") var name: AccountName
    @OptionGroup var options: AccountOptions

    func run() throws {
        try options.open().remove(name)
        options.tell(["name": name.description], "Account \(TerminalText.safe(name.description)) removed.")
    }
}

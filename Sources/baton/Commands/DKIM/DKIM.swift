import ArgumentParser

/// `baton dkim`: the keys that sign mail.
struct DKIMCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dkim", abstract: "Make, publish, check and rotate the keys that sign mail.",
        discussion: "Keys are files DIRECTORY/DOMAIN/SELECTOR.pem. The daemon reads them when it starts or reloads.",
        subcommands: [DKIMGenerate.self, DKIMRecord.self, DKIMCheck.self, DKIMList.self, DKIMRotate.self])
}

import ArgumentParser

/// The program: one command line for the daemon and everything that talks to it.
struct Baton: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "baton", abstract: "An SMTP server and relay that never drops the baton.", version: BatonVersion.current,
        subcommands: [
            Serve.self, Quickstart.self, CheckCommand.self, QueueCommand.self, TraceCommand.self, StatusCommand.self,
            ReloadCommand.self, SendCommand.self, AccountCommand.self, AuthCommand.self, DKIMCommand.self,
            SelftestCommand.self,
        ])
}

/// Where the process begins: invoked as `sendmail`, `mailq` or `newaliases` it is `baton send`.
@main
enum Program {
    static func main() { Baton.main(SendCommand.arguments(of: CommandLine.arguments)) }
}

/// What this build calls itself.
enum BatonVersion {
    static let current = "0.1.0"
}

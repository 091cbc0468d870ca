import ArgumentParser

/// The program: one command line for the daemon and everything that talks to it.
@main
struct Baton: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "baton", abstract: "An SMTP server and relay that never drops the baton.", version: BatonVersion.current,
        subcommands: [Serve.self, Quickstart.self, CheckCommand.self])
}

/// What this build calls itself.
enum BatonVersion {
    static let current = "0.1.0"
}

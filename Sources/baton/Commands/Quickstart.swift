import ArgumentParser
import Configuration
import Glibc

/// `baton quickstart`: a relay to try out, which mails nobody.
struct Quickstart: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a mail server to try out, on high ports and without root.",
        discussion: "The domain baton.test has mailboxes; all other mail is caught in a sandbox. Nothing leaves the machine.")

    @Option(help: "Where the configuration, the spool, the mailboxes and the sandbox go.")
    var directory = "baton-quickstart"

    @Option(help: "The port for SMTP; the next ones are for submission and LMTP.")
    var port = 2525

    func run() throws {
        guard (1...65533).contains(port) else { throw ValidationError("--port must be 1 to 65533") }
        let root = try absolute(directory)
        let path = root + "/baton.yaml"
        if access(path, F_OK) != 0 { try write(Quickstart.text(root: root, port: port, group: ownGroup()), to: path) }
        let configuration = try loadConfiguration(path)
        print(Quickstart.welcome(root: root, configuration, program: CommandLine.arguments.first ?? "baton"))
        fflush(nil)
        try Serve.serve(configuration, path: path)
    }

    /// The configuration to begin with.
    static func text(root: String, port: Int, group: String) -> String {
        """
        # A configuration to try Baton out; made by `baton quickstart`, yours to change.
        # Every key is explained in docs/CONFIGURATION.md; `baton check \(root)/baton.yaml` checks this file.
        hostname: localhost.baton.test

        listeners:
          - address: "127.0.0.1:\(port)"
          - address: "127.0.0.1:\(port + 1)"
            dialect: submission
          - address: "127.0.0.1:\(port + 2)"
            dialect: lmtp

        # Mail for baton.test ends in Maildirs; every name is a mailbox.
        domains:
          baton.test:
            route: mailboxes
            mailboxes: "*"

        routes:
          mailboxes:
            type: maildir
            path: \(root)/mail/{domain}/{user}
          sandbox:
            type: sandbox
            path: \(root)/sandbox

        # Everything else is caught. To mail the world, take this rule out.
        rules:
          - route: sandbox

        spool:
          directory: \(root)/spool
          segmentSize: 16MiB
        dns:
          forwarders: system
          trustAnchor: none
        control:
          socket: \(root)/control
          submitSocket: \(root)/submit
          group: "\(group)"

        """
    }

    /// What to do next; says what the file says, which may have been changed since it was made.
    static func welcome(root: String, _ configuration: BatonConfiguration, program: String) -> String {
        let places = configuration.listeners.map { "\($0.address) (\($0.dialect.rawValue))" }.joined(separator: ", ")
        let smtp = configuration.listeners.first { $0.dialect == .smtp }.map { "\($0.address)" } ?? ":2525"
        let server = smtp.hasPrefix(":") ? "127.0.0.1" + smtp : smtp
        return """

        Baton runs here:   \(places)
        Configuration:     \(root)/baton.yaml

        In another terminal, send a message to a mailbox:
          swaks --tls --server \(server) --to alice@baton.test
        or, with a message in a file:
          curl --crlf smtp://\(server) --mail-from you@example.com --mail-rcpt alice@baton.test --upload-file message.eml
        It lands here:
          \(root)/mail/baton.test/alice/new/
        Send one into the world; it is caught:
          swaks --server \(server) --to somebody@example.com
          ls \(root)/sandbox
        Ask what happened:
          \(program) trace somebody@example.com --socket \(root)/control
          \(program) queue --socket \(root)/control

        Ctrl-C ends it; what was accepted is kept in \(root)/spool.

        """
    }

    private func ownGroup() -> String {
        guard let group = getgrgid(getgid()) else { return String(getgid()) }
        return String(cString: group.pointee.gr_name)
    }

    private func absolute(_ path: String) throws -> String {
        if mkdir(path, 0o755) != 0, errno != EEXIST {
            throw ValidationError("cannot make the directory \(path): \(String(cString: strerror(errno)))")
        }
        guard let resolved = realpath(path, nil) else {
            throw ValidationError("cannot use the directory \(path): \(String(cString: strerror(errno)))")
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private func write(_ text: String, to path: String) throws {
        let bytes = Array(text.utf8)
        guard let file = fopen(path, "wx") else {
            throw ValidationError("cannot write \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw ValidationError("cannot write \(path)") }
    }
}

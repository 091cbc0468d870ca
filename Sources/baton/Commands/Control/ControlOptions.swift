import ArgumentParser
import Configuration
import Control
import Glibc

/// The options of every command that asks the daemon something.
struct ControlOptions: ParsableArguments {
    @Option(help: "The daemon's control socket; otherwise the one that the configuration names.")
    var socket: String?

    @Option(name: .shortAndLong, help: "The configuration file that names the socket (default: /etc/baton/baton.yaml, where it can be read).")
    var config: String?

    @Flag(help: "Print JSON for programs instead of text for people.")
    var json = false

    /// Asks the daemon and returns its answer; prints what to do and ends the command where there is none.
    func ask<Payload: Codable & Sendable>(_ request: ControlRequest, for type: Payload.Type,
                                          progress: (Payload) -> Void = { _ in }) throws -> Payload {
        try connect().ask(request, for: type, progress: progress)
    }

    /// A connection for several questions.
    func connect() throws -> Asking {
        do throws(ControlClientError) {
            return Asking(client: try ControlClient(path: path()), isJSON: json)
        } catch {
            throw ControlOptions.failure(error, isJSON: json)
        }
    }

    private func path() -> String {
        if let socket { return socket }
        return ConfiguredSockets.read(config).control
    }

    /// Prints `error` and returns the exit code of the command: 69 (`EX_UNAVAILABLE`) without a daemon, 1 otherwise.
    static func failure(_ error: ControlClientError, isJSON: Bool) -> ExitCode {
        if isJSON {
            var failure = ControlFailure(.unavailable, error.description)
            if case .daemon(let told) = error { failure = told }
            print(WireLine.pretty(["error": failure]))
        } else {
            printError(error.description.split(separator: "\n").map { TerminalText.safe(String($0)) }.joined(separator: "\n"))
        }
        if case .connection = error { return ExitCode(EX_UNAVAILABLE) }
        return ExitCode(1)
    }
}

/// A connection to the daemon, with the way that failures are told.
struct Asking {
    let client: ControlClient
    let isJSON: Bool

    func ask<Payload: Codable & Sendable>(_ request: ControlRequest, for type: Payload.Type,
                                          progress: (Payload) -> Void = { _ in }) throws -> Payload {
        do throws(ControlClientError) {
            return try client.send(request, as: type, progress: progress)
        } catch {
            throw ControlOptions.failure(error, isJSON: isJSON)
        }
    }
}

/// Where commands find the daemon.
struct ConfiguredSockets {
    /// The control socket.
    var control: String
    /// The submit socket.
    var submit: String
    /// The maildrop.
    var maildrop: String

    private static let defaultFile = "/etc/baton/baton.yaml"

    /// What the file at `path` names, or the usual places: not every user may read it, and a mistake in it must not keep an operator out.
    static func read(_ path: String?) -> ConfiguredSockets {
        let configuration = (try? BatonConfiguration.load(path ?? defaultFile)) ?? BatonConfiguration()
        return ConfiguredSockets(control: configuration.control.socket, submit: configuration.control.submitSocket,
                                 maildrop: configuration.maildrop)
    }
}

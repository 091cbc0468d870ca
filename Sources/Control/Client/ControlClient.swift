import Glibc

/// Asks the daemon over its control socket and waits for the answer.
public final class ControlClient {
    private let path: String
    private let stream: LocalStream
    private var input: [UInt8] = []

    /// Longest answer that is taken.
    private static let maxLineLength = 256 << 20
    /// How long an answer may take: a summary of millions of messages takes a while.
    private static let timeoutSeconds: Int32 = 120

    /// Connects to the socket at `path`.
    public init(path: String) throws(ControlClientError) {
        self.path = path
        do throws(LocalStream.Failure) {
            stream = try LocalStream(path: path, timeoutSeconds: ControlClient.timeoutSeconds)
        } catch {
            throw ControlClientError.connection(error, path: path)
        }
    }

    /// Sends `request` and returns the answer to it; `progress` hears what the daemon tells before that.
    public func send<Payload: Codable & Sendable>(_ request: ControlRequest, as type: Payload.Type,
                                                  progress: (Payload) -> Void = { _ in }) throws(ControlClientError) -> Payload {
        do throws(LocalStream.Failure) {
            try stream.write(WireLine.encode(request))
        } catch {
            throw ControlClientError.connection(error, path: path)
        }
        while true {
            switch try nextResponse(as: type) {
            case .result(let payload): return payload
            case .error(let failure): throw ControlClientError.daemon(failure)
            case .progress(let payload): progress(payload)
            }
        }
    }

    private func nextResponse<Payload: Codable & Sendable>(as type: Payload.Type) throws(ControlClientError) -> ControlResponse<Payload> {
        let line: [UInt8]
        do throws(LocalStream.Failure) {
            line = try nextLine()
        } catch {
            throw ControlClientError.connection(error, path: path)
        }
        do throws(ControlFailure) {
            return try WireLine.decode(ControlResponse<Payload>.self, from: line)
        } catch {
            throw ControlClientError.daemon(error)
        }
    }

    private func nextLine() throws(LocalStream.Failure) -> [UInt8] {
        var searched = 0
        while true {
            if let end = input[searched...].firstIndex(of: 0x0a) {
                let line = Array(input[..<end])
                input.removeSubrange(...end)
                return line
            }
            searched = input.count
            let bytes = try stream.read()
            guard !bytes.isEmpty, input.count + bytes.count <= ControlClient.maxLineLength else { throw .ended }
            input += bytes
        }
    }
}

/// Why a command got no answer, with what to do about it.
public enum ControlClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The daemon could not be asked.
    case connection(LocalStream.Failure, path: String)
    /// The daemon did not do it.
    case daemon(ControlFailure)

    /// What happened and what to do.
    public var description: String {
        switch self {
        case .daemon(let failure): failure.description
        case .connection(let failure, let path): ControlClientError.explain(failure, path)
        }
    }

    private static func explain(_ failure: LocalStream.Failure, _ path: String) -> String {
        switch failure {
        case .notListening:
            """
            Baton is not running: nothing answers at \(path).
            Start it with `systemctl start baton` or `baton serve --config FILE`; if its socket is elsewhere, name it with --socket or --config.
            """
        case .notAllowed:
            """
            You may not use \(path): it is for root and the group of the socket (`control.group`, normally baton).
            Use sudo, or join the group with `adduser YOUR-NAME baton` and log in again.
            """
        case .timedOut: "Baton did not answer in time at \(path); its log (`journalctl -u baton`) may tell why."
        case .ended: "Baton ended the connection at \(path); it may be restarting: try again."
        case .system(let code): "\(path): \(String(cString: strerror(code)))"
        }
    }
}

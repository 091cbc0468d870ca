import Ports
import SMTP

/// The client's side of Dovecot's authentication protocol, version 1, without any input or output of its own.
///
///     S: VERSION 1 2      C: VERSION 1 1
///     S: MECH PLAIN …     C: CPID 4711
///     S: DONE             C: AUTH 1 SCRAM-SHA-256 service=smtp …
///     S: CONT 1 …         C: CONT 1 …
///     S: OK 1 user=alice
struct DovecotSession: ~Copyable {
    /// What the server said of a request.
    enum Event: Hashable {
        /// The mechanisms are told; requests may be sent.
        case ready
        /// The next message to the client.
        case challenge(UInt32, [UInt8])
        /// The client is this account.
        case accepted(UInt32, user: String)
        /// The client is not who it says.
        case refused(UInt32)
        /// It cannot be found out now.
        case unavailable(UInt32)
        /// The server says what no server of this protocol says.
        case broken
    }

    /// What is to be sent.
    private(set) var output: [UInt8] = []
    /// The mechanisms that the server offers.
    private(set) var mechanisms: [String] = []
    private var input: [UInt8] = []
    private var isVersionKnown = false

    /// The longest line: the protocol's own limit.
    private static let maxLine = 8192 * 4

    init(processID: Int32) {
        output = Array("VERSION\t1\t1\nCPID\t\(processID)\n".utf8)
    }

    mutating func takeOutput() -> [UInt8] {
        defer { output = [] }
        return output
    }

    /// Begins a request.
    mutating func begin(_ id: UInt32, mechanism: String, client: ClientIdentity, isTLS: Bool, initialResponse: Secret?) {
        var fields = ["AUTH", String(id), DovecotLine.escaped(mechanism), "service=smtp"]
        if isTLS { fields.append("secured") }
        if case .ip(let address, let port) = client.localEndpoint { fields += ["lip=\(address.unmapped)", "lport=\(port)"] }
        if case .ip(let address, let port) = client.endpoint { fields += ["rip=\(address.unmapped)", "rport=\(port)"] }
        // The response is the last field, by the protocol.
        if let initialResponse { fields.append("resp=" + String(decoding: SASLBase64.encode(initialResponse.octets), as: UTF8.self)) }
        append(fields)
    }

    /// Goes on with a request.
    mutating func respond(_ id: UInt32, _ response: Secret) {
        append(["CONT", String(id), String(decoding: SASLBase64.encode(response.octets), as: UTF8.self)])
    }

    /// Drops a request.
    mutating func cancel(_ id: UInt32) { append(["CANCEL", String(id)]) }

    private mutating func append(_ fields: [String]) {
        output += Array((fields.joined(separator: "\t") + "\n").utf8)
    }

    /// Takes what came in and tells what it says.
    mutating func receive(_ bytes: UnsafeRawBufferPointer) -> [Event] {
        input += bytes
        var events: [Event] = []
        var start = 0
        while let end = input[start...].firstIndex(of: UInt8(ascii: "\n")) {
            if let line = DovecotLine(input[start..<end]), let event = take(line) { events.append(event) }
            start = end + 1
        }
        input.removeSubrange(..<start)
        if input.count > DovecotSession.maxLine { events.append(.broken) }
        return events
    }

    private mutating func take(_ line: DovecotLine) -> Event? {
        switch line.command {
        case "VERSION":
            isVersionKnown = line.fields.first == "1"
            return isVersionKnown ? nil : .broken
        case "MECH":
            if let name = line.fields.first { mechanisms.append(name) }
            return nil
        case "DONE": return isVersionKnown ? .ready : .broken
        case "CONT":
            guard let id = line.id else { return .broken }
            guard line.fields.count >= 2, let octets = SASLBase64.decode(Array(line.fields[1].utf8)) else { return .unavailable(id) }
            return .challenge(id, octets)
        case "OK":
            guard let id = line.id else { return .broken }
            return line.value("user").map { .accepted(id, user: $0) } ?? .unavailable(id)
        case "FAIL":
            guard let id = line.id else { return .broken }
            return line.has("temp") || line.value("code") == "temp_fail" ? .unavailable(id) : .refused(id)
        // SPID, CUID, COOKIE, and what later versions may add.
        default: return nil
        }
    }
}

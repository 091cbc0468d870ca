import Glibc
import Ports
import Synchronization

@testable import Sockets

/// The certificates of `Tests/Fixtures/tls`, made by its `make.sh`.
enum TLSFixtures {
    static func bytes(_ name: String, file: StaticString = #filePath) -> [UInt8] {
        let path = String(describing: file).split(separator: "/").dropLast(3).joined(separator: "/")
        guard let stream = fopen("/\(path)/Fixtures/tls/\(name)", "re") else { return [] }
        defer { fclose(stream) }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        return Array(buffer[..<fread(&buffer, 1, buffer.count, stream)])
    }

    static func certificate(_ name: String) -> TLSCertificate {
        TLSCertificate(chain: bytes("\(name).pem"), privateKey: bytes("\(name).key"))
    }

    static func settings(_ names: String...) -> TLSServerSettings { TLSServerSettings(certificates: names.map(certificate)) }

    /// Options that trust the authority of the tests.
    static var client: TLSClientOptions {
        var options = TLSClientOptions()
        options.roots = bytes("authority.pem")
        options.certificates = ["client": certificate("client")]
        return options
    }
}

/// A listener that begins TLS at once, and a client that does; both keep what they see.
final class TLSExchange {
    let server: ScriptedEnd
    let client: ScriptedEnd

    /// Connects and waits until both ends know how the handshake came out, or are closed.
    init(_ context: NIOTLSServer, _ settings: TLSClientSettings, options: TLSClientOptions = TLSFixtures.client,
         timeout: Duration = .seconds(10)) throws {
        server = ScriptedEnd { event, connection, _ in
            switch event {
            case .opened: connection.startTLS(.server(context), timeout: timeout)
            case .received(let bytes): connection.write(bytes)
            default: break
            }
        }
        client = ScriptedEnd { event, connection, _ in
            switch event {
            case .opened: connection.startTLS(.client(settings), timeout: timeout)
            case .secured:
                connection.write(Array("hello".utf8))
                connection.flush()
            case .received: connection.close()
            default: break
            }
        }
        let listener = try listen { [server] _ in server }
        let loop = loops.loops[0]
        let dialer = NIODialer(client: NIOTLSClient(options))
        let confined = UncheckedBox((dialer: dialer, end: client))
        loop.execute {
            confined.value.dialer.dial(listener.endpoint, from: nil, timeout: .seconds(5), on: loop, handler: confined.value.end) { _ in }
        }
        _ = client.history()
        _ = server.history()
        listener.close()
    }

    /// What the client agreed on; nil when its handshake failed.
    var summary: TLSSummary? { client.secured }
    /// Why the client's handshake failed.
    var failure: TLSFailure? { client.failure }
}

extension ScriptedEnd {
    var secured: TLSSummary? {
        for event in history() { if case .secured(let summary) = event { return summary } }
        return nil
    }
    var failure: TLSFailure? {
        for event in history() { if case .tlsFailed(let failure) = event { return failure } }
        return nil
    }
}

struct UncheckedBox<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

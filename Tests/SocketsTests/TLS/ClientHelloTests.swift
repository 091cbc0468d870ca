import Testing

@testable import Sockets

/// A hello as a client would send it, from its parts.
struct HelloBytes {
    var name: [UInt8]? = Array("MX.example".utf8)
    var protocols: [String] = []
    var schemes: [UInt16] = [0x0403, 0x0804]
    var versions: [UInt16] = [0x0304, 0x0303]
    var suites: [UInt16] = [0x1301, 0xc02b]

    private func short(_ number: Int) -> [UInt8] { [UInt8(number >> 8 & 255), UInt8(number & 255)] }
    private func list(_ bytes: [UInt8]) -> [UInt8] { short(bytes.count) + bytes }
    private func shorts(_ numbers: [UInt16]) -> [UInt8] { numbers.flatMap { short(Int($0)) } }

    var message: [UInt8] {
        var extensions: [UInt8] = [0, 23] + list([])
        if let name { extensions += [0, 0] + list(list([0] + list(name))) }
        extensions += [0, 13] + list(list(shorts(schemes)))
        if !protocols.isEmpty {
            extensions += [0, 16] + list(list(protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }))
        }
        extensions += [0, 43] + list([UInt8(versions.count * 2)] + shorts(versions))
        let body = [3, 3] + [UInt8](repeating: 7, count: 32) + [0] + list(shorts(suites)) + [1, 0] + list(extensions)
        return [1, UInt8(body.count >> 16)] + list(body).prefix(2) + body
    }

    /// The message in records of at most `size` octets.
    func records(of size: Int = 16384) -> [UInt8] {
        stride(from: 0, to: message.count, by: size).flatMap { start -> [UInt8] in
            [22, 3, 1] + list(Array(message[start..<min(start + size, message.count)]))
        }
    }
}

@Suite("Client hellos")
struct ClientHelloTests {
    private func parse(_ bytes: [UInt8]) -> ClientHello.Parsed { bytes.withUnsafeBytes { ClientHello.parse($0) } }

    private func hello(_ bytes: HelloBytes) -> ClientHello? {
        if case .complete(let hello) = parse(bytes.records()) { hello } else { nil }
    }

    @Test("name, protocols, suites, schemes and versions are read")
    func parts() {
        var bytes = HelloBytes()
        bytes.protocols = ["smtp", "h2"]
        let hello = hello(bytes)
        #expect(hello?.serverName == .name("mx.example"))
        #expect(hello?.applicationProtocols == [Array("smtp".utf8), Array("h2".utf8)])
        #expect(hello?.cipherSuites == [0x1301, 0xc02b])
        #expect(hello?.signatureAlgorithms == [0x0403, 0x0804])
        #expect(hello?.supportedVersions == [0x0304, 0x0303])
    }

    @Test("a hello is incomplete at every cut, and whole however its records are cut", arguments: [1, 7, 100, 16384])
    func cuts(size: Int) {
        let records = HelloBytes().records(of: size)
        for end in 0..<records.count { #expect(parse(Array(records[..<end])) == .incomplete) }
        #expect(parse(records) == parse(HelloBytes().records()))
    }

    @Test("HOSTILE 26: a hello in more records than anybody needs is none")
    func records() {
        var bytes = HelloBytes()
        bytes.suites = Array(repeating: 0x1301, count: 200)
        #expect(bytes.message.count > ClientHello.maxRecords)
        let records = bytes.records(of: 1)
        #expect(parse(Array(records.prefix(6 * ClientHello.maxRecords - 1))) == .incomplete)
        #expect(parse(records) == .invalid)
        #expect(hello(bytes) != nil)
    }

    @Test("what is no server name is malformed", arguments: [
        Array("a\\".utf8) + [0], [UInt8](repeating: 0x61, count: 255), [0xc3, 0xa4], Array("a b".utf8),
        Array("a..b".utf8), Array("mx.example.".utf8), [UInt8](repeating: 0x61, count: 64), [], Array("2001:db8::1".utf8),
    ])
    func names(name: [UInt8]) {
        var bytes = HelloBytes()
        bytes.name = name
        #expect(hello(bytes)?.serverName == .malformed)
    }

    @Test("an address in place of a name asks for nothing (RFC 6066 §3)")
    func address() {
        var bytes = HelloBytes()
        bytes.name = Array("192.0.2.1".utf8)
        #expect(hello(bytes)?.serverName == .absent)
    }

    @Test("no flipped or cut octet traps, and other protocols are not taken for TLS")
    func garbage() {
        let records = HelloBytes().records()
        for index in records.indices {
            for value in [0, 1, 127, 255] as [UInt8] {
                var changed = records
                changed[index] = value
                _ = parse(changed)
            }
            var message = HelloBytes().message
            message = Array(message.prefix(index))
            _ = parse([22, 3, 1, UInt8(message.count >> 8), UInt8(message.count & 255)] + message)
        }
        #expect(parse(Array("EHLO x\r\n".utf8)) == .invalid)
        #expect(parse(Array("GET / HTTP/1.1\r\n".utf8)) == .invalid)
        #expect(parse([22, 3, 1, 0, 0]) == .invalid)
        #expect(parse([22, 3, 1, 0xff, 0xff]) == .invalid)
        #expect(parse([22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff]) == .invalid)
        #expect(parse([22, 3, 1, 0, 1, 2]) == .invalid)
    }
}

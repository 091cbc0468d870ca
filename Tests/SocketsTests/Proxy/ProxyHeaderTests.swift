import Foundation
import Ports
import Testing

@testable import Sockets

/// The suite folder that lies beside the project, or where `BATON_SUITES` says.
private let suite = URL(fileURLWithPath: ProcessInfo.processInfo.environment["BATON_SUITES"] ?? "../shared/suites")
    .appendingPathComponent("proxy-protocol")
private let isSuitePresent = FileManager.default.fileExists(atPath: suite.path)

private struct LineCase: Decodable {
    var line: String
    var ok: Bool
    var src: String?
    var dst: String?
    var sport: String?
    var dport: String?
}

private struct BinaryCase: Decodable {
    var id: String
    var hex: String
    var ok: Bool?
    var local: Bool?
    var src: String?
    var dst: String?
    var sport: Int?
    var dport: Int?
}

private func load<Case: Decodable>(_ name: String) throws -> [Case] {
    try JSONDecoder().decode([Case].self, from: Data(contentsOf: suite.appendingPathComponent(name)))
}

private func parse(_ bytes: [UInt8]) -> ProxyHeader.ParseResult {
    bytes.withUnsafeBytes { ProxyHeader.parse($0) }
}

private func octets(_ hex: String) -> [UInt8] {
    let digits = hex.utf8.compactMap { UInt8(String(UnicodeScalar($0)), radix: 16) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

@Suite("PROXY protocol")
struct ProxyHeaderTests {
    @Test("suite: version 1", .enabled(if: isSuitePresent, "the proxy-protocol suite is absent; set BATON_SUITES"))
    func lineSuite() throws {
        for sample: LineCase in try load("v1-postfix.json") {
            let bytes = Array(sample.line.replacingOccurrences(of: "\n", with: "\r\n").utf8)
            guard sample.ok else {
                if case .complete = parse(bytes) { Issue.record("accepted: \(sample.line)") }
                continue
            }
            let source = try #require(sample.src.flatMap { IPAddress($0) })
            let destination = try #require(sample.dst.flatMap { IPAddress($0) })
            let addresses = ProxyHeader.Addresses(
                source: .ip(source, port: try #require(sample.sport.flatMap { UInt16($0) })),
                destination: .ip(destination, port: try #require(sample.dport.flatMap { UInt16($0) })))
            #expect(parse(bytes) == .complete(ProxyHeader(addresses: addresses, length: bytes.count)), "\(sample.line)")
            expectPrefixesIncomplete(bytes)
        }
    }

    @Test("suite: version 2", .enabled(if: isSuitePresent, "the proxy-protocol suite is absent; set BATON_SUITES"))
    func binarySuite() throws {
        for sample: BinaryCase in try load("v2.json") {
            let bytes = octets(sample.hex)
            let result = parse(bytes)
            switch sample.ok {
            case false:
                if case .complete = result { Issue.record("accepted: \(sample.id)") }
            case true where sample.local == true:
                #expect(result == .complete(ProxyHeader(addresses: nil, length: bytes.count)), "\(sample.id)")
            case true:
                let addresses = ProxyHeader.Addresses(
                    source: .ip(try #require(sample.src.flatMap { IPAddress($0) }), port: UInt16(try #require(sample.sport))),
                    destination: .ip(try #require(sample.dst.flatMap { IPAddress($0) }), port: UInt16(try #require(sample.dport))))
                #expect(result == .complete(ProxyHeader(addresses: addresses, length: bytes.count)), "\(sample.id)")
                expectPrefixesIncomplete(bytes)
            default:
                #expect(documentedChoices[sample.id] == result, "\(sample.id)")
            }
        }
    }

    /// Where the suite leaves the choice: datagrams and Unix sockets say nothing of the client, damage is refused.
    private let documentedChoices: [String: ProxyHeader.ParseResult] = [
        "udp4": .complete(ProxyHeader(addresses: nil, length: 28)),
        "unix": .complete(ProxyHeader(addresses: nil, length: 232)),
        "tlv-truncated": .invalid(.field),
        "tlv-1byte": .invalid(.field),
        "big-64k": .invalid(.length),
    ]

    private func expectPrefixesIncomplete(_ bytes: [UInt8], _ location: SourceLocation = #_sourceLocation) {
        for count in 0..<bytes.count where parse(Array(bytes.prefix(count))) != .incomplete {
            Issue.record("the first \(count) octets are not incomplete", sourceLocation: location)
        }
    }

    @Test("what follows the header is not touched")
    func trailingBytes() {
        let header = Array("PROXY TCP4 192.0.2.7 198.51.100.9 51234 25\r\n".utf8)
        guard case .complete(let parsed) = parse(header + Array("EHLO a.example\r\n".utf8)) else {
            Issue.record("not complete")
            return
        }
        #expect(parsed.length == header.count)
    }

    @Test("UNKNOWN is accepted with whatever follows, and says nothing")
    func unknown() {
        for line in ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 garbage\r\n"] {
            #expect(parse(Array(line.utf8)) == .complete(ProxyHeader(addresses: nil, length: line.utf8.count)))
        }
        #expect(parse(Array("PROXY UNKNOWNX\r\n".utf8)) == .invalid(.command))
    }

    @Test("a line without end is refused at its 107th octet")
    func endlessLine() {
        let line = Array("PROXY TCP4 ".utf8) + Array(repeating: UInt8(ascii: "1"), count: 200)
        #expect(parse(Array(line.prefix(106))) == .incomplete)
        #expect(parse(Array(line.prefix(107))) == .invalid(.line))
        #expect(parse(line) == .invalid(.line))
    }

    @Test("lines ended by LF alone, doubled spaces and further fields are refused", arguments: [
        "PROXY TCP4 192.0.2.7 198.51.100.9 51234 25\n",
        "PROXY  TCP4 192.0.2.7 198.51.100.9 51234 25\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.9 51234 25 \r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.9 51234 25 x\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.9 +5123 25\r\n",
    ])
    func malformedLine(_ line: String) {
        guard case .invalid = parse(Array(line.utf8)) else {
            Issue.record("not refused")
            return
        }
    }

    @Test("bytes of a client that speaks first are no header", arguments: ["EHLO a\r\n", "\u{16}\u{3}\u{1}", "proxy TCP4"])
    func otherProtocols(_ text: String) {
        #expect(parse(Array(text.utf8)) == .invalid(.signature))
    }
}

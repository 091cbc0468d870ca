@testable import DNS
import Ports
@testable import Proxy
@testable import TLSHello

/// IP addresses and networks: what was read can be written and is then the same.
func checkIP(_ text: String) {
    if let address = IPAddress(text) {
        check(IPAddress(address.description)?.unmapped == address.unmapped, "\(address) does not come back")
    }
    if let network = IPNetwork(text) {
        check(network.contains(network.address.unmapped) || network.address.unmapped != network.address, "\(network) does not hold its own address")
        check(IPNetwork(network.description) == network, "\(network) does not come back")
    }
}

/// The PROXY header: a header that is whole stays what it is with more behind it, and no part of it is one.
let proxyTarget = FuzzTarget(
    name: "proxy", maxLength: 5000,
    seeds: ["PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n".octets, "PROXY TCP6 ::1 2001:db8::1 1 65535\r\nEHLO x\r\n".octets, "PROXY UNKNOWN x\r\n".octets,
            [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8, 0, 9, 0, 25],
            [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x20, 0x00, 0, 7, 3, 0, 4, 1, 2, 3, 4],
            [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x21, 0, 36] + Array(repeating: 7, count: 36)],
    words: ["PROXY ", "TCP4 ", "TCP6 ", "UNKNOWN", "\r\n"]) { bytes in
    func parse(_ count: Int) -> ProxyHeader.ParseResult {
        bytes.withUnsafeBytes { ProxyHeader.parse(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
    let whole = parse(bytes.count)
    if case .incomplete = whole { check(bytes.count < 16 + ProxyHeader.maxBinaryLength, "a header without end") }
    var isDecided = false
    for count in Set([0, 1, 5, 11, 12, 13, 15, 16, 17, bytes.count / 2, bytes.count - 1].filter { (0...bytes.count).contains($0) }).sorted() {
        switch parse(count) {
        case .incomplete: check(!isDecided, "a header that was decided is open again")
        case .invalid:
            isDecided = true
            if case .invalid = whole {} else { fail("\(count) octets are no header, more of them are") }
        case .complete(let header):
            isDecided = true
            check(header.length <= count && whole == .complete(header), "a header changes with what follows it")
        }
    }
    if case .complete(let header) = whole {
        check(header.length <= bytes.count && parse(header.length) == whole, "a header needs what follows it")
        if header.length > 0 { check(parse(header.length - 1) == .incomplete, "a part of a header is not open") }
    }
}

/// Record data and names of DNS.
let dnsTarget = FuzzTarget(
    name: "dns", maxLength: 1024,
    seeds: [[0, 192, 0, 2, 1], [1] + Array(repeating: 1, count: 16), [2, 0, 10, 2, 0x6d, 0x78, 0], [3, 1, 0x61, 2, 0x62, 0x63], [6, 3, 1, 1, 0xab], [4, 1, 0x61, 0]]) { bytes in
    let types: [RecordType] = [.a, .aaaa, .mx, .txt, .ptr, .cname, .tlsa]
    guard let first = bytes.first else { return }
    let type = types[Int(first) % types.count]
    if let record = try? DNSRecord(parsing: bytes[1...], type: type) {
        check(record.type == type, "a record of another type")
        switch record {
        case .mx(_, let name), .ptr(let name), .cname(let name):
            check(name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }, "a name with controls: \(name.debugDescription)")
            if DNSName.isHostName(name) { check(DNSName.canonical(name) == name, "a host name that is not canonical") }
        case .a, .aaaa, .txt, .tlsa: break
        }
    }
    let text = String(decoding: bytes, as: UTF8.self)
    if let name = DNSName.canonical(text) { check(DNSName.canonical(name) == name, "\(name) changes again") }
    if let address = IPAddress(text) { check(DNSName.canonical(DNSName.reverse(of: address)) != nil, "\(address) has no reverse name") }
}

/// A client's hello: whole or open at each cut, the same with more behind it, and its name a name.
let helloTarget = FuzzTarget(
    name: "hello", maxLength: 4096,
    seeds: [[22, 3, 1, 0, 52, 1, 0, 0, 48, 3, 3] + Array(repeating: 7, count: 32) + [0, 0, 2, 0x13, 1, 1, 0, 0, 5, 0, 23, 0, 0, 0],
            [22, 3, 1, 0, 67, 1, 0, 0, 63, 3, 3] + Array(repeating: 7, count: 32)
                + [0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 20, 0, 0, 0, 7, 0, 5, 0, 0, 2, 0x61, 0x2e, 0, 16, 0, 5, 0, 3, 2, 0x68, 0x32]]) { bytes in
    func parse(_ count: Int) -> ClientHello.Parsed {
        bytes.withUnsafeBytes { ClientHello.parse(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
    let whole = parse(bytes.count)
    var isDecided = false
    for count in stride(from: 0, through: bytes.count, by: max(1, bytes.count / 16)) {
        switch parse(count) {
        case .incomplete: check(!isDecided, "a hello that was decided is open again")
        case .invalid:
            isDecided = true
            if case .invalid = whole {} else { fail("\(count) octets are no hello, more of them are") }
        case .complete(let hello):
            isDecided = true
            check(whole == .complete(hello), "a hello changes with what follows it")
        }
    }
    guard case .complete(let hello) = whole, case .name(let name) = hello.serverName else { return }
    check((1...253).contains(name.utf8.count) && !name.hasPrefix(".") && !name.hasSuffix("."), "no name: \(name.debugDescription)")
    check(name.utf8.allSatisfy { $0 > 0x2c && $0 < 0x7b && !(0x41...0x5a).contains($0) }, "no name: \(name.debugDescription)")
}

/// A file of DNS records, and questions about what is in it.
let zoneTarget = FuzzTarget(
    name: "zone", maxLength: 1024,
    seeds: [#"{"a.example": {"MX": ["10 mx.a.example"], "TXT": ["v=spf1 -all"], "CNAME": ["b.example"]}, "mx.a.example": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]}, "c.example": {"rcode": "NXDOMAIN"}}"#,
            #"{"x.example": {"TLSA": ["3 1 1 abcd"], "PTR": ["y.example"], "rcode": "SERVFAIL", "secure": true, "delay": 2}}"#, #"{"\u00e9": []}"#].map(\.octets),
    words: ["\"A\": [", "\"CNAME\": [", "SERVFAIL", "NXDOMAIN", "TIMEOUT", "{", "}", "[", "]", "\\u", "\\\"", "e+9"]) { bytes in
    guard let zone = try? Zone(json: bytes) else { return }
    let resolver = ZoneResolver(zone)
    let loop = QuestionLoop()
    nonisolated(unsafe) var answers = 0
    let names = ["a.example", "b.example", "mx.a.example", "nowhere.example"]
    for name in names {
        for type in [RecordType.a, .mx, .txt, .cname] { resolver.resolve(name, type, on: loop) { _ in answers += 1 } }
    }
    check(loop.run(limit: 1000) && answers == names.count * 4, "a question without answer")
}

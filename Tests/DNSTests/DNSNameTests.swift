import DNS
import Ports
import Testing

@Suite struct DNSNameTests {
    @Test(arguments: [
        ("Example.ORG.", "example.org"), ("a", "a"), ("_25._tcp.mx.example", "_25._tcp.mx.example"),
        (String(repeating: "a", count: 63) + ".b", String(repeating: "a", count: 63) + ".b"),
    ])
    func canonicalNames(name: String, canonical: String) {
        #expect(DNSName.canonical(name) == canonical)
    }

    @Test(arguments: [
        "", ".", "..", "a..b", ".a", "a\0b", "a b", "b\u{fc}cher.example", "a\\.b",
        String(repeating: "a", count: 64), Array(repeating: "abcdefg", count: 32).joined(separator: "."),
    ])
    func impossibleNames(name: String) {
        #expect(DNSName.canonical(name) == nil)
    }

    @Test(arguments: [
        ("mx.example.org", true), ("mx_1.example.org", true), ("xn--bcher-kva.example", true), ("localhost", true),
        ("3com.example", true), ("192.0.2.1", false), ("", false), ("-a.example", false), ("a-.example", false),
        ("a$b.example", false), ("a b.example", false), ("a\\032b.example", false),
    ])
    func hostNames(name: String, isHost: Bool) {
        #expect(DNSName.isHostName(name) == isHost)
    }

    @Test func reverseNames() throws {
        let v4 = try #require(IPAddress("192.0.2.10"))
        #expect(DNSName.reverse(of: v4) == "10.2.0.192.in-addr.arpa")
        // RFC 3596 §2.5
        let v6 = try #require(IPAddress("4321:0:1:2:3:4:567:89ab"))
        #expect(DNSName.reverse(of: v6)
            == "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa")
        let mapped = try #require(IPAddress("::ffff:192.0.2.10"))
        #expect(DNSName.reverse(of: mapped) == "10.2.0.192.in-addr.arpa")
    }
}

import Configuration
import Testing

@Suite struct OpenRelayTests {
    static func mistakes(listener: String = "{address: \":25\"}", _ text: String) -> [String] {
        MistakeTests.mistakes("hostname: mail.example.org\nlisteners: [\(listener)]\n" + text)
    }

    static let open: [(String, String)] = [
        ("relayNetworks: [0.0.0.0/0]", "3:17: relayNetworks[0]: '0.0.0.0/0' opens the relay: every client in it may send to anybody; expected public networks of /16 or narrower"),
        ("relayNetworks: [10.0.0.0/8, \"::/0\"]", "3:29: relayNetworks[1]: '::/0' opens the relay: every client in it may send to anybody; expected public networks of /32 or narrower"),
        ("relayNetworks: [0.0.0.0/1]", "3:17: relayNetworks[0]: '0.0.0.0/1' opens the relay: every client in it may send to anybody; expected public networks of /16 or narrower"),
        ("relayNetworks: 8.0.0.0/8", "3:16: relayNetworks[0]: '8.0.0.0/8' opens the relay: every client in it may send to anybody; expected public networks of /16 or narrower"),
        ("relayNetworks: [8.8.0.0/15]", "3:17: relayNetworks[0]: '8.8.0.0/15' opens the relay: every client in it may send to anybody; expected public networks of /16 or narrower"),
        ("relayNetworks: [\"2000::/3\"]", "3:17: relayNetworks[0]: '2000::/3' opens the relay: every client in it may send to anybody; expected public networks of /32 or narrower"),
        ("relayNetworks: [8.0.0.0/6]", "3:17: relayNetworks[0]: '8.0.0.0/6' opens the relay: every client in it may send to anybody; expected public networks of /16 or narrower"),
        ("relayDomains: [\"*.org\"]", "3:16: relayDomains[0]: '*.org' opens the relay: mail for all of '.org' would be taken from anybody"),
    ]

    @Test("A configuration that is an open relay is refused with the rule that opens it", arguments: open)
    func isRefused(text: String, mistake: String) {
        #expect(OpenRelayTests.mistakes(text) == ["baton.yaml:" + mistake])
    }

    @Test(arguments: ["proxyProtocol", "xclient"])
    func trustInEverybodyIsRefused(key: String) {
        let mistakes = OpenRelayTests.mistakes(listener: "{address: \"0.0.0.0:25\", \(key): 0.0.0.0/0}", "")
        #expect(mistakes.count == 1)
        #expect(mistakes.first?.contains("listeners[0].\(key)[0]: '0.0.0.0/0' opens the relay: every client in it may claim to come from a relay network") == true)
    }

    static let closed = [
        "relayNetworks: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, \"fc00::/7\", \"fe80::/10\", 127.0.0.0/8]",
        "relayNetworks: [198.51.0.0/16, \"2001:db8::/32\"]", "relayNetworks: []", "relayDomains: [\"*.example.org\", example]",
    ]

    @Test(arguments: closed)
    func isTaken(text: String) {
        #expect(OpenRelayTests.mistakes(text) == [])
    }

    @Test(arguments: ["127.0.0.1:25", "[::1]:25", "unix:/run/baton/smtp"])
    func whatNobodyElseCanReachIsTaken(address: String) {
        #expect(OpenRelayTests.mistakes(listener: "{address: \"\(address)\", proxyProtocol: 0.0.0.0/0}", "relayNetworks: [0.0.0.0/0, \"::/0\"]") == [])
    }

    @Test("A wider network around a private one is public", arguments: ["172.0.0.0/8", "192.0.0.0/8", "fc00::/6", "100.0.0.0/8"])
    func aroundPrivateNetworks(network: String) {
        #expect(OpenRelayTests.mistakes("relayNetworks: [\"\(network)\"]").count == 1)
    }
}

import Ports
import Testing

@testable import Sockets

@Suite("HTTP URLs")
struct HTTPURLTests {
    @Test(arguments: [
        ("https://Mta-Sts.Example.ORG/.well-known/mta-sts.txt", "mta-sts.example.org", 443, "/.well-known/mta-sts.txt"),
        ("http://a.example", "a.example", 80, "/"), ("HTTPS://a.example:8443?x=1", "a.example", 8443, "/?x=1"),
        ("https://127.0.0.1:1/p?q:r@s", "127.0.0.1", 1, "/p?q:r@s"),
    ] as [(String, String, UInt16, String)])
    func parsed(_ text: String, _ host: String, _ port: UInt16, _ target: String) throws {
        let url = try #require(HTTPURL(text))
        #expect(url.host == host && url.port == port && url.target == target)
        #expect(HTTPURL(url.description) == url)
    }

    @Test(arguments: [
        "", "https", "https:", "https:/a", "https://", "ftp://a.example/", "https://a@b.example/", "https://a.example:0/",
        "https://a.example:65536/", "https://a.example:/", "https://a.example/\r\nX: y", "https://a.example/#f",
        "https://a b.example/", "https://[::1]/", "https://a.example:+1/", "https://ä.example/",
    ])
    func refused(_ text: String) { #expect(HTTPURL(text) == nil) }
}

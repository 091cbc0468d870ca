@testable import Accounts
import Ports
import SMTP
import Testing

@Suite struct DovecotSessionTests {
    private let client = ClientIdentity(endpoint: .ip(.v4(0xc633_6401), port: 40_000), localEndpoint: .ip(.loopback, port: 587))

    private func receive(_ session: inout DovecotSession, _ text: String) -> [DovecotSession.Event] {
        Array(text.utf8).withUnsafeBytes { session.receive($0) }
    }

    @Test("A dialog of version 1") func dialog() {
        var session = DovecotSession(processID: 4711)
        #expect(String(decoding: session.takeOutput(), as: UTF8.self) == "VERSION\t1\t1\nCPID\t4711\n")
        #expect(receive(&session, "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tSCRAM-SHA-256\nSPID\t1\nCUID\t2\nCOO").isEmpty)
        #expect(receive(&session, "KIE\tabc\nDONE\n") == [.ready])
        #expect(session.mechanisms == ["PLAIN", "SCRAM-SHA-256"])
        session.begin(1, mechanism: "SCRAM-SHA-256", client: client, isTLS: true, initialResponse: Secret("n,,n=a,r=b"))
        #expect(String(decoding: session.takeOutput(), as: UTF8.self)
            == "AUTH\t1\tSCRAM-SHA-256\tservice=smtp\tsecured\tlip=127.0.0.1\tlport=587\trip=198.51.100.1\trport=40000\tresp=biwsbj1hLHI9Yg==\n")
        #expect(receive(&session, "CONT\t1\tcj1i\n") == [.challenge(1, Array("r=b".utf8))])
        session.respond(1, Secret("x"))
        #expect(String(decoding: session.takeOutput(), as: UTF8.self) == "CONT\t1\teA==\n")
        #expect(receive(&session, "OK\t1\tuser=alice\tnologin\nFAIL\t2\tuser=bob\nFAIL\t3\ttemp\nFAIL\t4\tcode=temp_fail\nOK\t5\n")
            == [.accepted(1, user: "alice"), .refused(2), .unavailable(3), .unavailable(4), .unavailable(5)])
    }

    @Test("What no server says", arguments: ["VERSION\t2\t0\n", "DONE\n", "OK\n", "FAIL\tx\n", "CONT\t\n"])
    func broken(text: String) {
        var session = DovecotSession(processID: 1)
        #expect(receive(&session, text) == [.broken])
    }

    @Test("A line without end is not collected for ever") func endless() {
        var session = DovecotSession(processID: 1)
        #expect(receive(&session, String(repeating: "x", count: 100_000)) == [.broken])
    }

    @Test("No value ends its field") func escaped() {
        #expect(DovecotLine.escaped("a\tb\nc\u{1}d") == "a\u{1}tb\u{1}nc\u{1}1d")
    }
}

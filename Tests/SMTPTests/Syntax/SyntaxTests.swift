import Testing
@testable import SMTP

@Suite struct SyntaxTests {
    @Test("Replies on the wire", arguments: [
        (Reply(250, .init(2, 1, 0), "OK"), "250 2.1.0 OK\r\n"),
        (Reply(code: 250, lines: ["mx.example", "PIPELINING", "SIZE 1000"]), "250-mx.example\r\n250-PIPELINING\r\n250 SIZE 1000\r\n"),
        (Reply(code: 550, enhanced: .init(5, 7, 112), lines: ["a", "b"]), "550-5.7.112 a\r\n550 5.7.112 b\r\n"),
        (Reply(554, nil, "a\r\nMAIL\0\u{7f}é"), "554 a??MAIL??é\r\n"),
        (Reply(code: 250, lines: []), "250 \r\n"),
    ])
    func wire(reply: Reply, expected: String) {
        #expect(String(decoding: reply.wire, as: UTF8.self) == expected)
    }

    @Test("Enhanced status codes", arguments: [
        ("2.0.0", EnhancedStatusCode(2, 0, 0)), ("5.7.509", .init(5, 7, 509)), ("3.0.0", nil), ("5.1", nil), ("5..1", nil),
        ("5.1.1234", nil), ("5.1.1 x", nil), ("", nil), ("55.1.1", nil),
    ] as [(String, EnhancedStatusCode?)])
    func enhanced(text: String, code: EnhancedStatusCode?) {
        #expect(EnhancedStatusCode(Array(text.utf8)) == code)
        if let code { #expect(code.description == text) }
    }

    @Test("EHLO keywords survive the way there and back")
    func capabilities() {
        var all = Capabilities()
        all.pipelining = true
        all.size = .octets(52_428_800)
        all.eightBitMIME = true
        all.binaryMIME = true
        all.chunking = true
        all.smtpUTF8 = true
        all.dsn = true
        all.enhancedStatusCodes = true
        all.startTLS = true
        all.requireTLS = true
        all.limits = .init(recipientsPerTransaction: 1000, transactionsPerSession: 100, domainsPerTransaction: 5)
        all.authentication = ["PLAIN", "LOGIN"]
        all.xclient = ["NAME", "ADDR"]
        all.xforward = ["NAME"]
        #expect(Capabilities(keywordLines: all.keywordLines) == all)
        #expect(Capabilities(keywordLines: []) == Capabilities())
    }

    @Test("Strange EHLO lines are passed over")
    func strangeCapabilities() {
        var expected = Capabilities()
        expected.size = .unlimited
        expected.limits = .init()
        let lines = ["", " ", "SIZE 99999999999999999999", "LIMITS RCPTMAX=0 MAILMAX=1234567 X MAILMAX=-1", "X-UNKNOWN a b"]
        #expect(Capabilities(keywordLines: lines) == expected)
        #expect(Capabilities(keywordLines: ["size 10", "pipelining"]).size == .octets(10))
    }

    @Test("NOTIFY values", arguments: [
        ("NEVER", NotifyConditions.never), ("success,FAILURE,Delay", [.success, .failure, .delay]), ("", nil),
        ("FAILURE,NEVER", nil), ("FAILURE,", nil), ("CHIMICHANGA", nil),
    ] as [(String, NotifyConditions?)])
    func notify(text: String, conditions: NotifyConditions?) {
        #expect(NotifyConditions(Array(text.utf8)) == conditions)
    }

    @Test("Numbers are read without overflow", arguments: [
        ("0", 0), ("9223372036854775807", Int.max), ("9223372036854775808", nil), ("99999999999999999999", nil),
        ("00000000000000000000000001", nil), ("-1", nil), ("+1", nil), ("", nil), ("1 ", nil),
    ] as [(String, Int?)])
    func decimals(text: String, value: Int?) {
        #expect(Decimal.parse(Array(text.utf8)) == value)
        if let value { var bytes: [UInt8] = []; bytes.appendDecimal(value); #expect(bytes == Array(text.utf8)) }
    }
}

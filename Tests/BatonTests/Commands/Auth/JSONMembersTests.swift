import Ports
import Testing

@testable import baton

@Suite("Requests as lines of JSON") struct JSONMembersTests {
    static func members(_ text: String) throws -> JSONMembers { try JSONMembers(Array(text.utf8)[...]) }

    @Test func membersOfALine() throws {
        let line = try Self.members(#" {"id": 7, "a": "x\"\u00e9\ud83d\ude00\n", "b": null, "c": {"d": ["}", {"e": 1}]}, "at": 1.5e3, "t": true} "#)
        #expect(line.raw("id").map(Array.init) == Array("7".utf8))
        #expect(try line.string("a") == "x\"é😀\n")
        #expect(try line.string("b") == nil)
        #expect(try line.string("missing") == nil)
        #expect(line.raw("c").map { String(decoding: $0, as: UTF8.self) } == #"{"d": ["}", {"e": 1}]}"#)
        #expect(try line.integer("at") == 1500)
        #expect(throws: JSONMembers.Failure.self) { try line.string("id") }
        #expect(throws: JSONMembers.Failure.self) { try line.integer("t") }
    }

    @Test(arguments: [
        "", "[]", "nonsense", "{", #"{"a"}"#, #"{"a":}"#, #"{"a":1"#, #"{"a":1,}"#, #"{"a":"x}"#, #"{"a":1} x"#, #"{a:1}"#, #"{"a" 1}"#,
        #"{"a":C}"#, #"{"a":01}"#, #"{"a":nul}"#, #"{"a":--1}"#, #"{"a":1.}"#, #"{"a":+1}"#, "{\"a\":\u{10}}", #"{"a":[1}"# + "", String(repeating: #"{"a":"#, count: 100_000),
    ]) func whatIsNoObject(_ text: String) {
        #expect(throws: JSONMembers.Failure.self) { try Self.members(text) }
    }

    @Test(arguments: [(#""x""#, true), ("12", true), ("-0.5e+3", true), (#"{"a":["\u00e9",null]}"#, true), ("[]", true), (#""\n""#, true),
                      (#"{"a":[1}"#, false), ("[1 2]", false), ("\"\u{1}\"", false), (#""\x""#, false), ("[nul]", false), ("0x1", false)])
    func idsAreJSON(_ text: String, isWellFormed: Bool) {
        #expect(JSONMembers.isWellFormed(Array(text.utf8)) == isWellFormed)
    }

    @Test func stringsThatAreWrong() {
        for text in [#""\"#, #""\u12""#, #""\x""#] {
            #expect(throws: JSONMembers.Failure.self) { try JSONMembers.unescaped(Array(text.utf8)[1...].dropLast(text.hasSuffix("\"") ? 1 : 0)) }
        }
        #expect(throws: JSONMembers.Failure.self) { try JSONMembers.string([0x22, 0xff, 0x22]) }
    }

    @Test func requests() throws {
        var zones = ZoneCache()
        let line = try Self.members(#"{"id": "1", "ip": "192.0.2.1", "helo": "h", "from": "<a@b.example>", "message": "QQpCDQpD", "at": 5, "zone": {"b.example": ["v=spf1 -all"]}}"#)
        let request = try AuthRequest(line, zones: &zones)
        #expect(request.reversePath == "a@b.example")
        #expect(request.message == Array("A\r\nB\r\nC".utf8))
        #expect(request.at?.seconds == 5)
        let again = try AuthRequest(line, zones: &zones)
        #expect(again.zone === request.zone)
        for wrong in [#"{"ip": "300.1.1.1"}"#, #"{"message": "*"}"#, #"{"message": 1}"#, #"{"zone": {"X": []}}"#, #"{"zone": "/no/such/file"}"#, #"{"at": "x"}"#] {
            let line = try Self.members(wrong)
            #expect(throws: AuthRequestError.self, "\(wrong)") { try AuthRequest(line, zones: &zones) }
        }
    }

    @Test func times() {
        #expect(AuthEnvironment.rfc3339("1970-01-02T00:00:01Z")?.seconds == 86401)
        for wrong in ["", "1970-01-02", "1970-13-02T00:00:01Z", "1970-01-02T24:00:01Z", "x970-01-02T00:00:01Z"] {
            #expect(AuthEnvironment.rfc3339(wrong) == nil, "\(wrong)")
        }
    }

    @Test func text() {
        var bytes: [UInt8] = []
        JSONText.object([("a\"", .text("\u{1}\\é\u{7f}")), ("b", .null), ("c", .list([.number(1), .text("")]))]).append(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"a\"":"\u0001\\é\u007f","b":null,"c":[1,""]}"#)
    }
}

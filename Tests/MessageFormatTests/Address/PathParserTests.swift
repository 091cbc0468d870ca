import MessageFormat
import Testing

@Suite struct PathParserTests {
    @Test(arguments: [
        ("<>", "<>", 2), ("<> SIZE=1", "<>", 2), ("<a@x.example> BODY=8BITMIME", "<a@x.example>", 13),
        ("<\"> x\"@x.example> A=B", "<\"> x\"@x.example>", 17), ("<@a.example,@b.example:u@c.example>", "<u@c.example>", 35),
        ("<@a:u@c>", "<u@c>", 8), ("<a@[192.0.2.1]>", "<a@[192.0.2.1]>", 15),
    ])
    func reversePath(text: String, path: String, end: Int) throws {
        let bytes = Array(text.utf8)
        let parsed = try PathParser().reversePath(in: bytes.span)
        #expect(parsed.path.description == path)
        #expect(parsed.end == end)
        var wire: [UInt8] = []
        parsed.path.append(to: &wire)
        #expect(wire == Array(path.utf8))
    }

    @Test(arguments: [
        ("", AddressError.empty), ("a@x.example", .missingBracket), ("<a@x.example", .missingBracket), ("<", .empty),
        ("<a@x.example#>", .domain), ("<a@x.example.>", .domain), ("<a@good.example>@evil.example", .trailingText),
        ("<@:u@c>", .domain), ("<@a,:u@c>", .sourceRoute), ("<@a", .sourceRoute), ("<@a;u@c>", .sourceRoute),
        ("<;sleep 66;>", .localPart), ("< a@x.example>", .localPart), ("<a@x.example\r>", .controlCharacter),
    ] as [(String, AddressError)])
    func refused(text: String, error: AddressError) {
        #expect(throws: error) { try PathParser().reversePath(text) }
    }

    @Test func postmaster() throws {
        #expect(try PathParser().forwardPath("<Postmaster>") == .postmaster)
        #expect(try PathParser().forwardPath("<postmaster@x.example>").address?.localPart == "postmaster")
        #expect(throws: AddressError.nullPath) { try PathParser().forwardPath("<>") }
        #expect(throws: AddressError.localPart) { try PathParser().forwardPath("<postmasters>") }
        #expect(throws: AddressError.missingBracket) { try PathParser().forwardPath("postmaster") }
        #expect(try PathParser(brackets: .optional).forwardPath("POSTMASTER") == .postmaster)
        #expect(ForwardPath.postmaster.description == "<postmaster>")
    }

    @Test func bareMailboxOnlyWhenAllowed() throws {
        let bytes = Array("a@x.example SIZE=1".utf8)
        let parsed = try PathParser(brackets: .optional).forwardPath(in: bytes.span)
        #expect(parsed.path.description == "<a@x.example>")
        #expect(parsed.end == 11)
    }

    @Test func everyPrefixAndEverySubstitutedByteIsSafe() {
        let samples = ["<@a.example,@b:\"q\\\" x\"@[IPv6:::1]>", "<Pelé@bücher.example>", "<a.b+c@d-e.example>"]
        for sample in samples {
            let bytes = Array(sample.utf8)
            for length in 0...bytes.count {
                let prefix = Array(bytes[..<length])
                _ = try? PathParser().reversePath(in: prefix.span)
            }
            for index in bytes.indices {
                for octet in UInt8.min...UInt8.max {
                    var changed = bytes
                    changed[index] = octet
                    guard let path = try? PathParser(brackets: .optional).forwardPath(in: changed.span).path else { continue }
                    #expect(!path.description.unicodeScalars.contains { $0.value < 32 || $0.value == 127 })
                }
            }
        }
    }
}

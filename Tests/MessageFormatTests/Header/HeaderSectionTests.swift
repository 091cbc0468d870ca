import MessageFormat
import Testing

@Suite struct HeaderSectionTests {
    private func section(_ text: String) throws -> (HeaderSection, [UInt8]) {
        let bytes = Array(text.utf8)
        return (try HeaderSection(scanning: bytes), bytes)
    }

    @Test func findsFieldsFoldsAndBody() throws {
        let text = "Received: from a\r\n by b\r\nsubject : hi\r\nX:\r\nRECEIVED:c\r\n\r\nbody: no\r\n"
        let (header, bytes) = try section(text)
        #expect(header.fields.count == 4)
        #expect(header.ending == .emptyLine)
        #expect(String(decoding: bytes[header.bodyStart...], as: UTF8.self) == "body: no\r\n")
        #expect(header.end == header.bodyStart - 2)
        #expect(header.receivedCount(in: bytes.span) == 2)
        let found = header.first(.subject, in: bytes.span)
        let subject = try #require(found)
        #expect(String(decoding: bytes[subject.name], as: UTF8.self) == "subject")
        #expect(String(decoding: bytes[subject.body], as: UTF8.self) == " hi")
        #expect(String(decoding: bytes[subject.lines], as: UTF8.self) == "subject : hi\r\n")
        #expect(header.text(of: header.fields[0], in: bytes.span) == "from a by b")
        #expect(header.fields[2].body.isEmpty)
        #expect(header.all(.received, in: bytes.span).count == 2)
        #expect(header.first(.date, in: bytes.span) == nil)
    }

    @Test(arguments: [
        ("", 0, 0, HeaderSection.Ending.endOfInput), ("\r\nbody", 0, 2, .emptyLine), ("\nbody", 0, 1, .emptyLine),
        ("A: b", 1, 4, .endOfInput), ("A: b\n c\n\nx", 1, 9, .emptyLine), ("From x\r\nA: b\r\n", 0, 0, .malformedLine),
        ("A: b\r\nno field\r\n\r\n", 1, 6, .malformedLine), (" A: b\r\n", 0, 0, .malformedLine), (": b\r\n", 0, 0, .malformedLine),
        ("A: b\r\n.\r\n", 1, 6, .malformedLine), ("A\u{e9}: b\r\n", 0, 0, .malformedLine), ("A:\r", 1, 3, .endOfInput), ("A:\n\n", 1, 4, .emptyLine),
    ] as [(String, Int, Int, HeaderSection.Ending)])
    func endings(text: String, fields: Int, bodyStart: Int, ending: HeaderSection.Ending) throws {
        let (header, _) = try section(text)
        #expect(header.fields.count == fields)
        #expect(header.bodyStart == bodyStart)
        #expect(header.ending == ending)
    }

    @Test func limits() throws {
        let limits = HeaderLimits(octets: 12, fields: 2)
        #expect(try HeaderSection(scanning: Array("A: b\r\nA: b\r\n\r\nlong body".utf8), limits: limits).fields.count == 2)
        #expect(throws: HeaderError.tooLong) { try HeaderSection(scanning: Array("A: b\r\nA: bb\r\n\r\n".utf8), limits: limits) }
        #expect(throws: HeaderError.tooManyFields) { try HeaderSection(scanning: Array("A:\nA:\nA:\n".utf8), limits: limits) }
        #expect(throws: HeaderError.tooLong) { try HeaderSection(scanning: Array(repeating: 0x41, count: 1).with("A:xxxxxxxxxxxxxxx"), limits: limits) }
    }

    @Test func textIsSafeToShow() throws {
        let bytes: [UInt8] = Array("Subject: \u{1b}[2Jx\0y\t z\r\n\r\n".utf8).map { $0 == 0x78 ? 0xff : $0 }
        let header = try HeaderSection(scanning: bytes)
        #expect(header.text(of: header.fields[0], in: bytes.span) == "[2J\u{fffd} y  z")
    }

    @Test func deliveredToFindsLoops() throws {
        let (header, bytes) = try section("Delivered-To: other@x.example\r\nDelivered-To:\r\n \"a.b\"@X.example\r\n\r\n")
        #expect(header.deliveries(in: bytes.span).contains(try EmailAddress(parsing: "a.b@x.example")))
        #expect(!header.deliveries(in: bytes.span).contains(try EmailAddress(parsing: "A.b@x.example")))
    }

    @Test func everySplitIsSafe() throws {
        let bytes = Array("A: b\r\n c\r\nReceived : x\r\n\r\nbody".utf8)
        for start in bytes.indices {
            for end in start...bytes.count { _ = try HeaderSection(scanning: Array(bytes[start..<end])) }
        }
    }
}

extension [UInt8] {
    fileprivate func with(_ text: String) -> [UInt8] { self + Array(text.utf8) }
}

@testable import Events
import MessageFormat
import Ports
import SMTP
import Testing

@Suite struct EventTextTests {
    private func json(_ detail: MailEvent.Detail) -> String {
        let event = MailEvent(message: Samples.message, time: Samples.time, detail: detail)
        var bytes: [UInt8] = []
        JSONLine.append(event, envelope: Samples.full, to: &bytes)
        #expect(bytes == JSONLine.object(event.fields(envelope: Samples.full)), "told at once and by way of values")
        return String(decoding: bytes, as: UTF8.self)
    }

    private func text(_ detail: MailEvent.Detail) -> String {
        let event = MailEvent(message: Samples.message, time: Samples.time, detail: detail)
        var bytes: [UInt8] = []
        TextLine.append(event, envelope: Samples.full, to: &bytes)
        #expect(bytes == TextLine.fields(event.fields(envelope: Samples.full)), "told at once and by way of values")
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func acceptedAsJSON() {
        #expect(json(.accepted(Samples.plain)) == """
            {"time":"2026-11-21T18:59:15.042Z","event":"accepted","id":"000010000001A","sender":"alice@a.example",\
            "recipients":["bob@b.example"],"size":1024,"client_address":"192.0.2.1","helo":"client.example","with":"ESMTP"}
            """)
    }

    @Test func attemptedAsJSON() {
        let result = AttemptResult(number: 2, host: Samples.host, duration: .milliseconds(12), results: [
            RecipientResult(recipient: 1, outcome: .deferred(until: Samples.time + .minutes(5), Samples.diagnosis)),
        ])
        #expect(json(.attempted(result)) == """
            {"time":"2026-11-21T18:59:15.042Z","event":"attempted","id":"000010000001A","attempt":2,"host":"mx.b.example",\
            "endpoint":"192.0.2.7:25","tls":"TLSv1.3","duration_ms":12,"results":[{"recipient":"bob@[192.0.2.7]",\
            "outcome":"deferred","until":"2026-11-21T19:04:15.042Z","status":"4.2.2",\
            "reply":"452 4.2.2 mailbox full really","explanation":"after RCPT","class":"mailbox-full"}]}
            """)
    }

    @Test func untrustedTextCannotLeaveItsPlace() {
        let hostile = "x\r\n\"}\u{1b}[2J\u{202e}\\ \u{9b}"
        let fields = [EventField("helo", .text(hostile))]
        #expect(String(decoding: JSONLine.object(fields), as: UTF8.self)
            == #"{"helo":"x\r\n\"}\u001b[2J\u202e\\ \u009b"}"#)
        #expect(String(decoding: TextLine.fields(fields), as: UTF8.self)
            == #"helo="x\u{d}\u{a}\"}\u{1b}[2J\u{202e}\\ \u{9b}""#)
    }

    @Test func readableText() {
        #expect(text(.removed(recipients: [1, 9]))
            == "time=2026-11-21T18:59:15.042Z event=removed id=000010000001A recipients=bob@[192.0.2.7] recipients=#9")
    }

    @Test func acceptedAsText() {
        #expect(text(.accepted(Samples.plain))
            == "time=2026-11-21T18:59:15.042Z event=accepted id=000010000001A sender=alice@a.example recipients=bob@b.example "
            + "size=1024 client_address=192.0.2.1 helo=client.example with=ESMTP")
        #expect(json(.accepted(Samples.full)).hasSuffix("}"))
        #expect(text(.accepted(Samples.full)).contains("envid="))
    }

    @Test("Lines go behind each other into one buffer; text that is no plain word is quoted where it stands")
    func oneBehindTheOther() {
        var envelope = Samples.plain
        envelope.origin.helo = "a b=\"\u{1b}"
        let event = MailEvent(message: Samples.message, time: Samples.time, detail: .accepted(envelope))
        var bytes = Array("before\n".utf8)
        TextLine.append(event, envelope: nil, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self).hasPrefix("before\ntime="))
        #expect(String(decoding: bytes, as: UTF8.self).hasSuffix(#"helo="a b=\"\u{1b}" with=ESMTP"#))
        bytes = []
        JSONLine.append(event, envelope: nil, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self).hasSuffix(#""helo":"a b=\"\u001b","with":"ESMTP"}"#))
    }

    @Test func numbers() {
        for number in [0, 9, 10, -1, 1234567890, Int64.max, Int64.min] {
            #expect(String(decoding: TextLine.fields([EventField("n", .number(number))]), as: UTF8.self) == "n=\(number)")
        }
    }

    @Test func addressHashFoldsCase() {
        #expect(AddressHash.of(Samples.address("Bob@B.example")) == AddressHash.of(Samples.address("bob@b.example")))
        #expect(AddressHash.of(Samples.address("bob@b.example")) != AddressHash.of(Samples.address("bob@c.example")))
        // The archive's index is on disk: this number may never change.
        #expect(AddressHash.of(Samples.address("bob@b.example")) == 8_225_997_058_657_932_622)
    }
}

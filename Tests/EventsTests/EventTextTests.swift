@testable import Events
import MessageFormat
import Ports
import SMTP
import Testing

@Suite struct EventTextTests {
    private func json(_ detail: MailEvent.Detail) -> String {
        let event = MailEvent(message: Samples.message, time: Samples.time, detail: detail)
        return String(decoding: JSONLine.object(event.fields(envelope: Samples.full)), as: UTF8.self)
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
        let event = MailEvent(message: Samples.message, time: Samples.time, detail: .removed(recipients: [1, 9]))
        #expect(String(decoding: TextLine.fields(event.fields(envelope: Samples.full)), as: UTF8.self)
            == "time=2026-11-21T18:59:15.042Z event=removed id=000010000001A recipients=bob@[192.0.2.7] recipients=#9")
    }

    @Test func addressHashFoldsCase() {
        #expect(AddressHash.of(Samples.address("Bob@B.example")) == AddressHash.of(Samples.address("bob@b.example")))
        #expect(AddressHash.of(Samples.address("bob@b.example")) != AddressHash.of(Samples.address("bob@c.example")))
        // The archive's index is on disk: this number may never change.
        #expect(AddressHash.of(Samples.address("bob@b.example")) == 8_225_997_058_657_932_622)
    }
}

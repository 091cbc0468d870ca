@testable import Events
import MessageFormat
import Ports
import SMTP
import Testing

@Suite struct RecordTests {
    @Test(arguments: [Samples.plain, Samples.full])
    func acceptedLeadsBack(_ envelope: Envelope) throws {
        let record = AcceptedRecord(message: Samples.message, envelope: envelope, prefix: Array("Received: x\r\n".utf8),
                                    chunkSizes: [262_144, 1])
        #expect(try AcceptedRecord(decoding: record.encoded[...]) == record)
    }

    @Test func nullReversePathLeadsBack() throws {
        var envelope = Samples.plain
        envelope.reversePath = .null
        let record = AcceptedRecord(message: Samples.message, envelope: envelope, prefix: [])
        #expect(try AcceptedRecord(decoding: record.encoded[...]).envelope.reversePath == .null)
    }

    @Test func verificationAndForwardingLeadBack() throws {
        var envelope = Samples.plain
        envelope.verification = "spf=pass mailfrom=alice@a.example; dmarc=pass from=a.example"
        envelope.forwardedReversePath = Samples.address("SRS0=abcd=2W=a.example=alice@us.example")
        envelope.recipients[0].isForwarded = true
        let record = AcceptedRecord(message: Samples.message, envelope: envelope, prefix: [])
        #expect(try AcceptedRecord(decoding: record.encoded[...]) == record)
        #expect(envelope.reversePath(towards: [0, 9]) == envelope.forwardedReversePath.map { .mailbox($0) })
        #expect(envelope.reversePath(towards: [9]) == envelope.reversePath)
        let event = MailEvent(message: Samples.message, time: Samples.time, detail: .accepted(envelope))
        #expect(event.fields().contains(EventField("verification", .text("spf=pass mailfrom=alice@a.example; dmarc=pass from=a.example"))))
    }

    @Test func forwardedFactsLeadBackAndAreTold() throws {
        var envelope = Samples.plain
        envelope.origin.forwarded = ForwardedFact.Name.allCases.map { ForwardedFact($0, "value of \($0)") }
        let record = AcceptedRecord(message: Samples.message, envelope: envelope, prefix: [])
        #expect(try AcceptedRecord(decoding: record.encoded[...]) == record)
        let event = MailEvent(message: Samples.message, time: Samples.time, detail: .accepted(envelope))
        #expect(event.fields().contains(EventField("orig_client_address", .text("value of clientAddress"))))
        #expect(Set(ForwardedFact.Name.allCases.map(\.text)).count == ForwardedFact.Name.allCases.count)
    }

    @Test(arguments: Samples.details)
    func eventsLeadBack(_ detail: MailEvent.Detail) throws {
        let event = MailEvent(message: Samples.message, time: Samples.time, detail: detail)
        #expect(try MailEvent(kind: event.kind, decoding: event.encoded[...]) == event)
    }

    @Test func chunksAndStartsLeadBack() throws {
        let chunk = ChunkRecord(message: Samples.message, index: 77)
        #expect(try ChunkRecord(decoding: chunk.encoded[...]) == chunk)
        let starts = AttemptsStartedRecord(messages: [Samples.message, QueueID(rawValue: 1)])
        #expect(try AttemptsStartedRecord(decoding: starts.encoded[...]) == starts)
    }

    @Test func unknownTagsAreSkipped() throws {
        let record = AcceptedRecord(message: Samples.message, envelope: Samples.full, prefix: [1, 2])
        for tag in Array(FieldTag.reserved) + [200, 255] {
            let extended = record.encoded + [tag, 3, 9, 9, 9]
            #expect(try AcceptedRecord(decoding: extended[...]) == record)
        }
    }

    @Test func cutRecordsAreErrorsOrShorter() {
        for detail in Samples.details {
            let event = MailEvent(message: Samples.message, time: Samples.time, detail: detail)
            let bytes = event.encoded
            for end in bytes.indices { _ = try? MailEvent(kind: event.kind, decoding: bytes[..<end]) }
        }
        #expect(throws: RecordError.missing(tag: 1)) { try AcceptedRecord(decoding: []) }
    }

    @Test func damagedRecordsNeverTrap() {
        for detail in Samples.details {
            let event = MailEvent(message: Samples.message, time: Samples.time, detail: detail)
            var bytes = event.encoded
            for index in bytes.indices {
                let old = bytes[index]
                for new: UInt8 in [0, 1, 0x7f, 0x80, 0xff, old ^ 0x10] {
                    bytes[index] = new
                    for kind in RecordKind.allCases { _ = try? MailEvent(kind: kind, decoding: bytes[...]) }
                    _ = try? ChunkRecord(decoding: bytes[...])
                    _ = try? AttemptsStartedRecord(decoding: bytes[...])
                }
                bytes[index] = old
            }
        }
    }

    @Test func lengthsBeyondAllBoundsAreErrors() {
        let endless: [UInt8] = [1] + [UInt8](repeating: 0xff, count: 12)
        #expect(throws: RecordError.truncated) { try AcceptedRecord(decoding: endless[...]) }
        let huge: [UInt8] = [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]
        #expect(throws: RecordError.truncated) { try AcceptedRecord(decoding: huge[...]) }
    }

    @Test func parentOutsideOfTheEnvelopeIsAnError() {
        var envelope = Samples.plain
        envelope.recipients[0].parent = 4
        let bytes = AcceptedRecord(message: Samples.message, envelope: envelope, prefix: []).encoded
        #expect(throws: RecordError.self) { try AcceptedRecord(decoding: bytes[...]) }
    }

    @Test func repliesAreClipped() throws {
        let reply = Reply(code: 550, lines: Array(repeating: String(repeating: "ü", count: 5000), count: 5000))
        let event = MailEvent(message: Samples.message, time: Samples.time, detail: .attempted(AttemptResult(
            number: 1, host: nil, duration: .zero,
            results: [RecipientResult(recipient: 0, outcome: .bounced(Diagnosis(status: .init(5, 0, 0), reply: reply)))])))
        #expect(event.encoded.count < 12_000)
        #expect(try MailEvent(kind: .attempted, decoding: event.encoded[...]) != nil)
    }
}

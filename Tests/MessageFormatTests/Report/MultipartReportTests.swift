import Foundation
import MessageFormat
import Ports
import Testing

@Suite struct MultipartReportTests {
    private func sample(to: String = "sender@x.example", returned: MultipartReport.Returned) throws -> MultipartReport {
        let recipient = try EmailAddress(parsing: "user@y.example")
        var failed = RecipientStatus(finalRecipient: .address(recipient), action: .failed, status: StatusCode(5, 1, 1))
        failed.originalRecipient = TypedText(type: "rfc822", "alias@y.example")
        failed.remoteMTA = .dns("mx.y.example")
        failed.diagnosticCode = .smtp("550 5.1.1 <user@y.example>: no such user here, nor was there ever one by that name in this house")
        failed.lastAttemptDate = DateTime(Timestamp(seconds: 1_795_287_555))
        var status = DeliveryStatusReport(reportingMTA: .dns("relay.x.example"), recipients: [failed])
        status.originalEnvelopeID = "QQ314159"
        status.arrivalDate = DateTime(Timestamp(seconds: 1_795_287_000))
        return MultipartReport(
            from: HeaderMailbox(displayName: "Mail Delivery System", address: try EmailAddress(parsing: "postmaster@x.example")),
            to: try EmailAddress(parsing: to), subject: "Undelivered mail", messageID: "0123.report@relay.x.example",
            date: Timestamp(seconds: 1_795_287_600), text: "Your message was not delivered.\n\n  <user@y.example>: no such user\n",
            status: status, returned: returned, boundary: "0123456789abc")
    }

    @Test func golden() throws {
        let report = try sample(returned: .headers(Array("Subject: hi\r\nFrom: sender@x.example\r\n".utf8))).compose()
        #expect(!report.isEightBit && !report.needsSMTPUTF8)
        var file = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { file.deleteLastPathComponent() }
        file.appendPathComponent("Fixtures/report/failed.eml")
        #expect(Array(try Data(contentsOf: file)) == report.bytes)
    }

    @Test func whatIsComposedIsParsed() throws {
        let original = Array("Subject: hi\r\n\r\n--0123456789abc\r\nbody\r\n".utf8)
        let report = try sample(returned: .message(original))
        let composed = report.compose()
        let parsed = try ReceivedReport(parsing: composed.bytes.span)
        #expect(parsed.status == report.status)
        #expect(parsed.returned.map { Array(composed.bytes[$0]) } == original)
        #expect(parsed.text.map { String(decoding: composed.bytes[$0], as: UTF8.self) } == "Your message was not delivered.\r\n\r\n  <user@y.example>: no such user\r\n")
    }

    @Test func internationalReport() throws {
        let user = try EmailAddress(parsing: "Pelé@bücher.example")
        var report = try sample(to: "jürgen@x.example", returned: .message(Array("Subject: Grüße\r\n\r\nhi\r\n".utf8)))
        report.status.recipients = [RecipientStatus(finalRecipient: .address(user), action: .failed, status: StatusCode(5, 6, 7))]
        var composed = report.compose()
        var text = String(decoding: composed.bytes, as: UTF8.self)
        #expect(composed.isEightBit && composed.needsSMTPUTF8)
        #expect(text.contains("Content-Type: message/global-delivery-status\r\n") && text.contains("Content-Type: message/global\r\n"))
        #expect(text.contains("Final-Recipient: utf-8; Pelé@bücher.example\r\n"))
        #expect(try ReceivedReport(parsing: composed.bytes.span).status.recipients.map(\.finalRecipient.address) == [user])
        report.transport = .sevenBit
        report.to = try EmailAddress(parsing: "sender@x.example")
        report.text = "Grüße\n"
        composed = report.compose()
        text = String(decoding: composed.bytes, as: UTF8.self)
        #expect(!composed.isEightBit && !composed.needsSMTPUTF8 && composed.bytes.allSatisfy { $0 < 0x80 })
        #expect(text.contains("Final-Recipient: utf-8; Pel\\x{E9}@b\\x{FC}cher.example\r\n"))
        #expect(text.contains("Content-Type: text/rfc822-headers\r\n") && text.contains("\r\n\r\nGr=C3=BC=C3=9Fe\r\n"))
        #expect(try ReceivedReport(parsing: composed.bytes.span).status.recipients.map(\.finalRecipient.address) == [user])
    }

    @Test(arguments: ["Subject: hi\r\n\r\na\nb\r\n", "Subject: hi\r\n\r\na\0b\r\n", "Subject: hi\r\n\r\na\rb\r\n",
                      "Subject: hi\r\nX: \0\r\n\r\n\r", "Subject: hi\r\n\r\n" + String(repeating: "x", count: 999) + "\r\n"])
    func unsafeOriginalsComeBackAsHeaders(original: String) throws {
        let composed = try sample(returned: .message(Array(original.utf8))).compose()
        let text = String(decoding: composed.bytes, as: UTF8.self)
        #expect(text.contains("Content-Type: text/rfc822-headers"))
        let parsed = try ReceivedReport(parsing: composed.bytes.span)
        #expect(parsed.returned.map { String(decoding: composed.bytes[$0], as: UTF8.self) } == "Subject: hi\r\n")
    }

    @Test func hostileRepliesStayInTheirField() throws {
        var report = try sample(returned: .nothing)
        report.status.recipients[0].diagnosticCode = .smtp("550 no\r\n\r\nFinal-Recipient: rfc822; evil@x\r\n--0123456789abc--\r\n" + String(repeating: "x", count: 3000))
        report.subject = "a\r\nBcc: evil@x.example"
        report.messageID = "a\r\nBcc: evil@x.example"
        report.text = "one\u{2028}two\r\u{1b}[2J\0"
        let composed = report.compose()
        let parsed = try ReceivedReport(parsing: composed.bytes.span)
        #expect(parsed.status.recipients.count == 1)
        let header = try HeaderSection(scanning: composed.bytes)
        #expect(header.first("Bcc", in: composed.bytes.span) == nil)
        #expect(!composed.bytes.contains { $0 < 0x20 && $0 != 0x0d && $0 != 0x0a })
        for line in String(decoding: composed.bytes, as: UTF8.self).split(separator: "\r\n") { #expect(line.utf8.count <= 998) }
    }

    @Test func statusFields() throws {
        var recipient = RecipientStatus(finalRecipient: .address(try EmailAddress(parsing: "a@x.example")), action: .delayed, status: StatusCode(4, 4, 1))
        recipient.willRetryUntil = DateTime(Timestamp(seconds: 1_795_287_555))
        recipient.finalLogID = "id"
        recipient.extensionFields = [ReportField("X-Reason", "tired")]
        var report = DeliveryStatusReport(reportingMTA: .dns("relay.x.example"), recipients: [recipient, recipient])
        report.dsnGateway = .dns("gate.x.example")
        report.receivedFromMTA = .dns("[192.0.2.1]")
        report.extensionFields = [ReportField("X-Queue", "q")]
        let content = report.content(.ascii)
        #expect(try DeliveryStatusReport(parsing: content.span) == report)
    }

    @Test(arguments: ["", "\r\n\r\n", "Reporting-MTA: dns; x\r\n", "junk\r\njunk", "Final-Recipient: rfc822; a@b\r\nAction: failed\r\n"])
    func notReports(content: String) {
        #expect(throws: ReportError.noRecipient) {
            let bytes = Array(content.utf8)
            return try DeliveryStatusReport(parsing: bytes.span)
        }
    }

    @Test func contentType() throws {
        let type = try #require(ContentType(parsing: "Multipart/Report (c;x); boundary=\"a\\\"b;c\" ; =x; report-TYPE=delivery-status;boundary=z"))
        #expect(type.mediaType == "multipart/report")
        #expect(type.parameters == ["boundary": "a\"b;c", "report-type": "delivery-status"])
        #expect(ContentType(parsing: "text") == nil && ContentType(parsing: "") == nil && ContentType(parsing: "text/(") == nil)
    }
}

@testable import MessageFormat
import Ports

/// Header sections: positions within the input, one field for one, and nothing untrusted ends a line of ours.
let headerTarget = FuzzTarget(
    name: "header", maxLength: 4096,
    seeds: ["Subject: x\r\n y\r\nReceived: a\r\n\r\nbody", "a:\nb :c\n\n", "From x\r\n", "Content-Type: multipart/report; boundary=\"a\\\"b\" (c (d)); report-type=x\r\n\r\n",
            "Date: Fri, 21 Nov 1997 09:55:06 -0600 (x)\r\n\r\n", "Delivered-To: a@b.example\r\n\r\n"].map(\.octets),
    words: ["\r\n ", "\r\n\r\n", "Received:", "Content-Type:", "=?utf-8?q?", "\r\r\n", "\u{2028}"]) { bytes in
    let limits = HeaderLimits(octets: 2048, fields: 50)
    if let section = try? HeaderSection(scanning: bytes, limits: limits) { checkSection(section, bytes) }
    let text = String(decoding: bytes, as: UTF8.self)
    for charset in [HeaderCharset.ascii, .utf8] {
        checkField(HeaderField(.subject, text: text, charset: charset), charset)
        checkField(HeaderField(.received, structured: text, charset: charset), charset)
        if let address = try? EmailAddress(parsing: "a@b.example") {
            checkField(HeaderField(.from, [HeaderMailbox(displayName: text, address: address)], charset: charset), charset)
        }
    }
}

private func checkSection(_ section: HeaderSection, _ bytes: [UInt8]) {
    check(section.fields.count <= 50 && section.end <= bytes.count && section.bodyStart <= bytes.count && section.end <= section.bodyStart,
          "a header section out of bounds")
    var next = 0
    for field in section.fields {
        check(field.lines.lowerBound == next && field.name.lowerBound == next, "a gap between fields")
        check(!field.name.isEmpty && field.name.upperBound < field.body.lowerBound + 1 && field.body.upperBound <= field.lines.upperBound, "a field out of order")
        next = field.lines.upperBound
        checkVisible(section.text(of: field, in: bytes.span))
        if let type = ContentType(parsing: section.text(of: field, in: bytes.span)) { check(type.mediaType.contains("/"), "a type without subtype") }
        _ = DateTime(parsing: section.text(of: field, in: bytes.span))
    }
    check(next == section.end, "fields end before the section")
    check(section.receivedCount(in: bytes.span) <= section.fields.count, "more hops than fields")
    check(section.deliveries(in: bytes.span).count <= section.fields.count, "more deliveries than fields")
    // The section without its body is the same section.
    if section.ending == .emptyLine {
        let alone = Array(bytes[..<section.bodyStart])
        check((try? HeaderSection(scanning: alone)) == section, "the body changes the header section")
    }
}

private func checkVisible(_ text: String) {
    for scalar in text.unicodeScalars {
        let value = scalar.value
        check(value >= 0x20 && !(0x7f...0x9f).contains(value) && value != 0x2028 && value != 0x2029, "a control character in shown text")
    }
}

/// A field that is written is one field, whatever was put in.
private func checkField(_ field: HeaderField, _ charset: HeaderCharset) {
    let wire = field.wire
    guard let section = try? HeaderSection(scanning: wire, limits: HeaderLimits(octets: 1 << 20, fields: 10)) else { fail("a field of ours cannot be read") }
    check(section.fields.count == 1 && section.end == wire.count && section.ending == .endOfInput, "a field of ours is \(section.fields.count) fields")
    var width = 0
    for (index, octet) in wire.enumerated() {
        width += 1
        if octet == 0x0a {
            check(width <= 1000, "a line of \(width) octets")
            check(index > 0 && wire[index - 1] == 0x0d, "a bare LF")
            width = 0
        } else if octet == 0x0d {
            check(index + 1 < wire.count && wire[index + 1] == 0x0a, "a bare CR")
        } else {
            check(octet >= 0x20 && octet != 0x7f && (octet < 0x80 || charset == .utf8), "octet \(octet) in a field of ours")
        }
    }
}

/// Delivery reports that come in, and those that go out about hostile mail.
let reportTarget = FuzzTarget(
    name: "report", maxLength: 8192,
    seeds: [reportSeed.octets, reportSeed.replacingCRLF.octets, "Reporting-MTA: dns; a\r\n\r\nFinal-Recipient: utf-8; \\x{e9}@x\r\nAction: failed\r\nStatus: 5.1.1\r\n".octets],
    words: ["\r\n--b\r\n", "\r\n--b--\r\n", "Final-Recipient: rfc822; ", "Action: failed\r\n", "Status: 4.0.0\r\n", "message/delivery-status", "boundary=", "\r\n\r\n"]) { bytes in
    if let report = try? ReceivedReport(parsing: bytes.span) {
        for range in [report.text, report.returned] { if let range { check(range.upperBound <= bytes.count, "a part out of bounds") } }
        checkStatus(report.status)
    }
    if let status = try? DeliveryStatusReport(parsing: bytes.span) { checkStatus(status) }
    guard let address = try? EmailAddress(parsing: "a@b.example") else { return }
    let status = DeliveryStatusReport(reportingMTA: .dns("x.example"), recipients: [
        RecipientStatus(finalRecipient: .address(address), action: .failed, status: StatusCode(5, 0, 0)),
    ])
    for returned in [MultipartReport.Returned.message(bytes), .headers(bytes)] {
        for transport in [MultipartReport.Transport.eightBit, .sevenBit] {
            let text = String(decoding: bytes, as: UTF8.self)
            var report = MultipartReport(from: HeaderMailbox(displayName: text, address: address), to: address, subject: text, messageID: "a@b",
                                         date: Timestamp(seconds: 0), text: text, status: status, returned: returned, boundary: "b")
            report.transport = transport
            checkComposed(report.compose(), transport)
        }
    }
}

private func checkStatus(_ status: DeliveryStatusReport) {
    for charset in [HeaderCharset.ascii, .utf8] {
        let content = status.content(charset)
        check(content.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x0d || $0 == 0x0a }, "a control character in a status part")
        guard let again = try? DeliveryStatusReport(parsing: content.span) else { fail("a status part of ours cannot be read") }
        check(again.recipients.count == status.recipients.count, "\(status.recipients.count) recipients are read as \(again.recipients.count)")
        check(again.recipients.map(\.action) == status.recipients.map(\.action) && again.recipients.map(\.status) == status.recipients.map(\.status),
              "a recipient's fate changes")
    }
}

private func checkComposed(_ report: ComposedReport, _ transport: MultipartReport.Transport) {
    let bytes = report.bytes
    var width = 0
    for (index, octet) in bytes.enumerated() {
        width += 1
        switch octet {
        case 0x0a:
            check(index > 0 && bytes[index - 1] == 0x0d, "a bare LF in a report")
            check(width <= 1000, "a line of \(width) octets in a report")
            width = 0
        case 0x0d: check(index + 1 < bytes.count && bytes[index + 1] == 0x0a, "a bare CR in a report")
        case 0: fail("a NUL in a report")
        default: check(octet < 0x80 || transport == .eightBit, "8-bit data in a 7-bit report")
        }
    }
    do throws(ReportError) {
        let again = try ReceivedReport(parsing: bytes.span)
        check(again.status.recipients.count == 1, "a report of ours tells of \(again.status.recipients.count) recipients")
    } catch { fail("a report of ours is \(error)") }
}

private let reportSeed = """
    From: x@y.example\r
    Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r
    \r
    --b\r
    \r
    text\r
    --b\r
    Content-Type: message/delivery-status\r
    \r
    Reporting-MTA: dns; y.example\r
    Arrival-Date: Fri, 21 Nov 1997 09:55:06 -0600\r
    \r
    Final-Recipient: rfc822; <a@b.example>\r
    Action: failed (x)\r
    Status: 5.1.1 (no)\r
    Diagnostic-Code: smtp; 550 no\r
    \r
    --b\r
    Content-Type: message/rfc822\r
    \r
    Subject: s\r
    \r
    body\r
    --b--\r

    """

extension String {
    /// The text with LF for CRLF.
    fileprivate var replacingCRLF: String { String(decoding: utf8.filter { $0 != 0x0d }, as: UTF8.self) }
}

import Ports

/// A delivery status notification to be sent: multipart/report with text for people, status for
/// programs, and what came back (RFC 6522, RFC 3464 §2, RFC 6533 §4).
public struct MultipartReport: Hashable, Sendable {
    /// What of the original message goes back.
    public enum Returned: Hashable, Sendable {
        /// Nothing.
        case nothing
        /// The header section, as it was received.
        case headers([UInt8])
        /// The whole message, as it was received; where that is not safe text, its header section.
        case message([UInt8])
    }

    /// Whether octets above 127 may be in the body.
    public enum Transport: Hashable, Sendable {
        /// The next hops have 8BITMIME.
        case eightBit
        /// They may not: text becomes quoted-printable, an 8-bit message is returned as its header without such fields.
        case sevenBit
    }

    /// Who reports.
    public var from: HeaderMailbox
    /// The reverse-path of the original message.
    public var to: EmailAddress
    /// The subject, for people.
    public var subject: String
    /// The `Message-ID` without `<>`; ASCII without blanks.
    public var messageID: String
    /// When the report is made.
    public var date: Timestamp
    /// Fields after the usual ones.
    public var additionalFields: [HeaderField] = []
    /// What happened, for people; lines end in LF.
    public var text: String
    /// What happened, for programs.
    public var status: DeliveryStatusReport
    /// What goes back.
    public var returned: Returned
    /// A boundary that is unlikely to occur in the parts; letters, digits, `-`, `_`, `.` only. It is extended until it does not occur.
    public var boundary: String
    /// What the report may consist of.
    public var transport = Transport.eightBit

    /// A report with all its parts.
    public init(from: HeaderMailbox, to: EmailAddress, subject: String, messageID: String, date: Timestamp, text: String,
                status: DeliveryStatusReport, returned: Returned, boundary: String) {
        self.from = from
        self.to = to
        self.subject = subject
        self.messageID = messageID
        self.date = date
        self.text = text
        self.status = status
        self.returned = returned
        self.boundary = boundary
    }

    /// The whole message, lines ended by CRLF.
    public func compose() -> ComposedReport {
        let parts = [textPart, statusPart, returnedPart].compactMap(\.self)
        let boundary = boundary(absentIn: parts)
        let isEightBit = parts.contains(where: \.isEightBit)
        let charset = to.isASCII && from.address.isASCII ? HeaderCharset.ascii : .utf8
        var bytes: [UInt8] = []
        bytes.reserveCapacity(1024 + parts.reduce(0) { $0 + $1.content.count })
        var fields = [
            HeaderField(.date, date: DateTime(date)),
            HeaderField(.from, [from], charset: charset),
            HeaderField(.to, [HeaderMailbox(address: to)], charset: charset),
            HeaderField(.subject, text: subject, charset: charset),
            HeaderField(.messageID, structured: "<\(messageID.filter { $0.isASCII && $0 != " " })>"),
            // RFC 3834 §5: nobody is to answer this by a program.
            HeaderField(.autoSubmitted, structured: "auto-replied"),
        ]
        fields += additionalFields
        fields += [
            HeaderField("MIME-Version", structured: "1.0"),
            HeaderField(.contentType, structured: "multipart/report; report-type=delivery-status; boundary=\"\(boundary)\""),
            HeaderField("Content-Transfer-Encoding", structured: isEightBit ? "8bit" : "7bit"),
        ]
        for field in fields { field.append(to: &bytes) }
        bytes.append(contentsOf: "\r\nThis is a delivery status notification in MIME format.\r\n".utf8)
        for part in parts {
            bytes.append(contentsOf: "\r\n--\(boundary)\r\n".utf8)
            part.append(to: &bytes)
        }
        bytes.append(contentsOf: "\r\n--\(boundary)--\r\n".utf8)
        return ComposedReport(bytes: bytes, isEightBit: isEightBit, needsSMTPUTF8: charset == .utf8 || fields.contains { !$0.isASCII })
    }

    private var textPart: ReportPart {
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { line in
            // The dot keeps the indentation from being trimmed.
            Array(VisibleText.from("." + line).utf8.dropFirst())
        }
        if lines.last?.isEmpty == true { lines.removeLast() }
        let isPlain = lines.allSatisfy { $0.count <= 990 } && (transport == .eightBit || text.utf8.allSatisfy { $0 < 0x80 })
        let content = isPlain ? Array(lines.joined(separator: [0x0d, 0x0a])) + [0x0d, 0x0a] : QuotedPrintable.encode(lines)
        return ReportPart(type: "text/plain; charset=utf-8", description: "Notification", content: content,
                          encoding: isPlain ? nil : "quoted-printable")
    }

    private var statusPart: ReportPart {
        let isGlobal = transport == .eightBit && !status.isASCII
        return ReportPart(type: isGlobal ? "message/global-delivery-status" : "message/delivery-status",
                          description: "Delivery report", content: status.content(isGlobal ? .utf8 : .ascii), encoding: nil)
    }

    private var returnedPart: ReportPart? {
        switch returned {
        case .nothing: return nil
        case .headers(let bytes): return headerPart(bytes)
        case .message(let bytes):
            let original = OriginalContent(bytes)
            guard original.isText, transport == .eightBit || !original.isEightBit else { return headerPart(bytes) }
            let isGlobal = original.hasUTF8Header
            return ReportPart(type: isGlobal ? "message/global" : "message/rfc822", description: "Undelivered message",
                              content: bytes, encoding: nil)
        }
    }

    private func headerPart(_ bytes: [UInt8]) -> ReportPart {
        let content = OriginalContent(bytes).safeHeader(eightBit: transport == .eightBit)
        let isGlobal = content.contains { $0 >= 0x80 }
        return ReportPart(type: isGlobal ? "message/global-headers" : "text/rfc822-headers",
                          description: "Header of the message", content: content, encoding: nil)
    }

    private func boundary(absentIn parts: [ReportPart]) -> String {
        let safe = boundary.utf8.filter { OctetClass.letterDigit.contains($0) || $0 == 0x2d || $0 == 0x2e || $0 == 0x5f }
        let base = safe.isEmpty ? "report" : String(decoding: safe.prefix(50), as: UTF8.self)
        var candidate = base
        var number = 0
        while parts.contains(where: { $0.holds(delimiter: candidate) }) {
            number += 1
            candidate = "\(base).\(number)"
        }
        return candidate
    }
}

/// A report ready to be submitted, and what its way needs.
public struct ComposedReport: Hashable, Sendable {
    /// The message, lines ended by CRLF.
    public let bytes: [UInt8]
    /// Whether it has octets above 127 in its body: `BODY=8BITMIME`.
    public let isEightBit: Bool
    /// Whether its header or envelope needs SMTPUTF8.
    public let needsSMTPUTF8: Bool
}

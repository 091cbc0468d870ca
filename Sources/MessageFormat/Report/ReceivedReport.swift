/// A delivery status notification that came in (RFC 6522, RFC 3464): its status, and where its other parts lie.
public struct ReceivedReport: Hashable, Sendable {
    /// What the report says.
    public let status: DeliveryStatusReport
    /// The text for people: the content of the first part, still in its transfer encoding.
    public let text: Range<Int>?
    /// The returned message or header section.
    public let returned: Range<Int>?

    /// How many parts of a report are looked at.
    public static let maxParts = 100

    /// Parses a whole message; lines may end in CRLF or LF. All ranges count from the start of `message`.
    public init(parsing message: Span<UInt8>) throws(ReportError) {
        let header = try ReceivedReport.section(message, from: 0)
        // Some senders forget report-type, and RFC 6533 §4 allows all its types in one container.
        guard let type = ReceivedReport.contentType(header, message), type.mediaType == "multipart/report",
              let boundary = type.parameters["boundary"], !boundary.isEmpty else { throw .notAReport }
        var status: DeliveryStatusReport?
        var text: Range<Int>?
        var returned: Range<Int>?
        for part in try ReceivedReport.parts(message, from: header.bodyStart, boundary: Array(boundary.utf8)) {
            let section = try ReceivedReport.section(message, from: part.lowerBound, to: part.upperBound)
            let body = min(section.bodyStart, part.upperBound)..<part.upperBound
            switch ReceivedReport.contentType(section, message)?.mediaType {
            case "message/delivery-status", "message/global-delivery-status":
                if status == nil { status = try DeliveryStatusReport(parsing: message.extracting(body)) }
            case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
                if returned == nil { returned = body }
            default:
                if text == nil { text = body }
            }
        }
        guard let status else { throw .noStatusPart }
        self.status = status
        self.text = text
        self.returned = returned
    }

    private static func section(_ bytes: Span<UInt8>, from start: Int, to end: Int? = nil) throws(ReportError) -> HeaderSection {
        do throws(HeaderError) {
            return try HeaderSection(scanning: bytes.extracting(0..<(end ?? bytes.count)), from: start)
        } catch {
            throw .tooLarge
        }
    }

    private static func contentType(_ section: HeaderSection, _ bytes: Span<UInt8>) -> ContentType? {
        guard let field = section.first(.contentType, in: bytes) else { return nil }
        return ContentType(parsing: section.text(of: field, in: bytes))
    }

    /// The ranges between the delimiters, without the line end that belongs to the delimiter (RFC 2046 §5.1.1).
    private static func parts(_ bytes: Span<UInt8>, from start: Int, boundary: [UInt8]) throws(ReportError) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var partStart: Int?
        var index = start
        while index < bytes.count {
            let lineEnd = bytes.firstNewline(from: index).map { $0 + 1 } ?? bytes.count
            if let delimiter = delimiter(bytes, line: index..<lineEnd, boundary) {
                if let partStart {
                    guard parts.count < maxParts else { throw .tooLarge }
                    let lineEnd = index - partStart >= 2 && bytes[index - 2] == 0x0d ? 2 : 1
                    parts.append(partStart..<max(partStart, index - lineEnd))
                }
                partStart = lineEnd
                if delimiter == .last { return parts }
            }
            index = lineEnd
        }
        // A report cut short still tells what it tells.
        if let partStart, partStart < bytes.count { parts.append(partStart..<bytes.count) }
        return parts
    }

    private enum Delimiter { case next, last }

    private static func delimiter(_ bytes: Span<UInt8>, line: Range<Int>, _ boundary: [UInt8]) -> Delimiter? {
        var index = line.lowerBound
        guard line.count >= boundary.count + 2, bytes[index] == 0x2d, bytes[index + 1] == 0x2d else { return nil }
        index += 2
        for octet in boundary {
            guard bytes[index] == octet else { return nil }
            index += 1
        }
        let isLast = index + 1 < line.upperBound && bytes[index] == 0x2d && bytes[index + 1] == 0x2d
        if isLast { return .last }
        // Only blanks may follow; a longer word is the delimiter of something else.
        while index < line.upperBound {
            guard bytes[index].isWhitespace || bytes[index] == 0x0d || bytes[index] == 0x0a else { return nil }
            index += 1
        }
        return .next
    }
}

/// Why bytes are not a delivery status report.
public enum ReportError: Error, Hashable, Sendable {
    /// Not a message of type multipart/report, or one without a boundary.
    case notAReport
    /// No part with the status of the delivery.
    case noStatusPart
    /// No recipient with address, action and status.
    case noRecipient
    /// More parts, fields or recipients than are read.
    case tooLarge
}

extension DeliveryStatusReport {
    /// How many recipients of a report are read.
    public static let maxRecipients = 10_000

    /// Parses the content of a status part; lines may end in CRLF or LF.
    ///
    /// Tolerant as RFC 3464 §2.1.1 and practice ask: fields in any order, comments, obsolete dates,
    /// unknown fields and actions; a recipient without address, action or status is left out.
    public init(parsing content: Span<UInt8>) throws(ReportError) {
        recipients = []
        var index = 0
        var isFirstGroup = true
        while index < content.count {
            let group: HeaderSection
            do throws(HeaderError) {
                group = try HeaderSection(scanning: content, from: index)
            } catch {
                throw .tooLarge
            }
            // A line that is no field is passed over, or the scan would not get past it.
            let next = group.ending == .malformedLine ? (content.firstNewline(from: group.bodyStart) ?? content.count - 1) + 1 : group.bodyStart
            index = max(next, index + 1)
            if group.fields.isEmpty { continue }
            let fields = group.fields.map { field in
                (name: String(ascii: content, field.name), body: group.text(of: field, in: content))
            }
            if isFirstGroup, !fields.contains(where: { $0.name.lowercased() == "final-recipient" }) {
                readMessageFields(fields)
            } else if let recipient = RecipientStatus(fields: fields) {
                guard recipients.count < DeliveryStatusReport.maxRecipients else { throw .tooLarge }
                recipients.append(recipient)
            }
            isFirstGroup = false
        }
        guard !recipients.isEmpty else { throw .noRecipient }
    }

    private mutating func readMessageFields(_ fields: [(name: String, body: String)]) {
        for field in fields {
            switch field.name.lowercased() {
            case "original-envelope-id": originalEnvelopeID = field.body
            case "reporting-mta": reportingMTA = TypedText(parsing: field.body)
            case "dsn-gateway": dsnGateway = TypedText(parsing: field.body)
            case "received-from-mta": receivedFromMTA = TypedText(parsing: field.body)
            case "arrival-date": arrivalDate = DateTime(parsing: field.body)
            default:
                if let name = HeaderName(parsing: field.name) { extensionFields.append(ReportField(name, field.body)) }
            }
        }
    }
}

extension RecipientStatus {
    fileprivate init?(fields: [(name: String, body: String)]) {
        func body(_ name: String) -> String? { fields.first { $0.name.lowercased() == name }?.body }
        guard let final = body("final-recipient").flatMap(TypedText.init(parsing:)),
              let action = body("action").flatMap(RecipientStatus.action),
              let status = body("status").flatMap({ StatusCode(parsing: $0) }) else { return nil }
        self.init(finalRecipient: final, action: action, status: status)
        for field in fields {
            switch field.name.lowercased() {
            case "final-recipient", "action", "status": break
            case "original-recipient": originalRecipient = TypedText(parsing: field.body)
            case "remote-mta": remoteMTA = TypedText(parsing: field.body)
            case "diagnostic-code": diagnosticCode = TypedText(parsing: field.body)
            case "last-attempt-date": lastAttemptDate = DateTime(parsing: field.body)
            case "final-log-id": finalLogID = field.body
            case "will-retry-until": willRetryUntil = DateTime(parsing: field.body)
            default:
                if let name = HeaderName(parsing: field.name) { extensionFields.append(ReportField(name, field.body)) }
            }
        }
    }

    private static func action(_ body: String) -> Action? {
        var scanner = TokenScanner(Array(body.utf8))
        return scanner.token().flatMap { Action(rawValue: $0.lowercased()) }
    }
}

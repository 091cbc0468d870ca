/// The machine-readable part of a delivery status notification: the content of
/// message/delivery-status (RFC 3464 §2) or message/global-delivery-status (RFC 6533 §4).
public struct DeliveryStatusReport: Hashable, Sendable {
    /// The sender's name for the envelope, from ENVID, decoded (RFC 3464 §2.2.1).
    public var originalEnvelopeID: String?
    /// The host that made the report (RFC 3464 §2.2.2); nil only in a report from elsewhere that lacks it.
    public var reportingMTA: TypedText?
    /// The gateway that translated the report (RFC 3464 §2.2.3).
    public var dsnGateway: TypedText?
    /// The host that the message came from (RFC 3464 §2.2.4).
    public var receivedFromMTA: TypedText?
    /// When the reporting host got the message (RFC 3464 §2.2.5).
    public var arrivalDate: DateTime?
    /// Per-message fields that this type does not know, in their order.
    public var extensionFields: [ReportField] = []
    /// The recipients that the report is about.
    public var recipients: [RecipientStatus]

    /// A report by `reportingMTA` about `recipients`, the optional fields unset.
    public init(reportingMTA: TypedText, recipients: [RecipientStatus]) {
        self.reportingMTA = reportingMTA
        self.recipients = recipients
    }

    /// Whether anything in the report has to be in UTF-8 to be told without loss.
    public var isASCII: Bool { content(.utf8).allSatisfy { $0 < 0x80 } }

    /// The content of the part, each line ended by CRLF: for ASCII, `utf-8` addresses are encoded and other text loses what is not ASCII.
    public func content(_ charset: HeaderCharset) -> [UInt8] {
        var writer = FieldWriter(charset: charset)
        writer.add("Original-Envelope-Id", originalEnvelopeID)
        writer.add("Reporting-MTA", reportingMTA)
        writer.add("DSN-Gateway", dsnGateway)
        writer.add("Received-From-MTA", receivedFromMTA)
        writer.add("Arrival-Date", arrivalDate?.description)
        writer.add(extensionFields)
        for recipient in recipients {
            writer.endGroup()
            writer.add("Original-Recipient", recipient.originalRecipient)
            writer.add("Final-Recipient", recipient.finalRecipient)
            writer.add("Action", recipient.action.rawValue)
            writer.add("Status", recipient.status.description)
            writer.add("Remote-MTA", recipient.remoteMTA)
            writer.add("Diagnostic-Code", recipient.diagnosticCode)
            writer.add("Last-Attempt-Date", recipient.lastAttemptDate?.description)
            writer.add("Final-Log-ID", recipient.finalLogID)
            writer.add("Will-Retry-Until", recipient.willRetryUntil?.description)
            writer.add(recipient.extensionFields)
        }
        return writer.bytes
    }
}

/// Writes groups of fields, one empty line between two of them.
private struct FieldWriter {
    let charset: HeaderCharset
    var bytes: [UInt8] = []

    init(charset: HeaderCharset) { self.charset = charset }

    mutating func add(_ name: HeaderName, _ body: String?) {
        guard let body, !body.isEmpty else { return }
        HeaderField(name, structured: body, charset: charset).append(to: &bytes)
    }

    mutating func add(_ name: HeaderName, _ value: TypedText?) { add(name, value?.body(charset)) }

    mutating func add(_ fields: [ReportField]) {
        for field in fields { add(field.name, field.body) }
    }

    mutating func endGroup() { bytes.append(contentsOf: [0x0d, 0x0a]) }
}

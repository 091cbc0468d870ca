import Events
import MailQueue
import MessageFormat
import Ports
import SMTP

/// The answer to `show`: everything about one waiting message.
public struct MessageReport: Codable, Hashable, Sendable {
    /// As in a list.
    public var message: ListedMessage
    /// All recipients as accepted, with those that are final already.
    public var recipients: [RecipientReport]
    /// What BODY= declared.
    public var body: String
    /// Whether it needs SMTPUTF8.
    public var smtpUTF8: Bool
    /// ENVID.
    public var envelopeID: String?
    /// RET.
    public var returnContent: String?
    /// Where it came from, in the words of the log.
    public var origin: EventLine
    /// Header fields that Baton added.
    public var addedHeader: String

    init(_ details: MessageDetails) {
        let envelope = details.envelope
        message = ListedMessage(details.summary)
        recipients = envelope.recipients.map { RecipientReport($0) }
        body = envelope.body.keyword
        smtpUTF8 = envelope.smtpUTF8
        envelopeID = envelope.envelopeID
        returnContent = envelope.returnContent?.keyword
        origin = EventLine(MessageReport.fields(of: envelope.origin))
        addedHeader = String(decoding: details.prefix, as: UTF8.self)
    }

    private static func fields(of origin: Origin) -> [EventField] {
        var fields: [EventField] = []
        func add(_ name: String, _ value: String?) {
            if let value { fields.append(EventField(name, .text(value))) }
        }
        add("client", origin.clientAddress?.description)
        add("client_name", origin.clientName)
        add("helo", origin.helo)
        add("protocol", origin.transmission)
        add("listener", origin.listener)
        add("account", origin.account)
        if let user = origin.userID { fields.append(EventField("user_id", .number(Int64(user)))) }
        add("tls", origin.tls)
        add("report_on", origin.reportOn?.description)
        for fact in origin.forwarded { add(fact.name.text, fact.value) }
        return fields
    }
}

/// One recipient of a message.
public struct RecipientReport: Codable, Hashable, Sendable {
    /// The address.
    public var address: String
    /// ORCPT.
    public var originalRecipient: String?
    /// NOTIFY.
    public var notify: String?
    /// Whether it became other recipients.
    public var expanded: Bool

    init(_ recipient: Recipient) {
        address = recipient.address.description
        originalRecipient = recipient.originalRecipient.map { "\($0.addressType);\($0.address)" }
        notify = recipient.notify?.wire
        expanded = recipient.isExpanded
    }
}

/// The answer to `trace`: one history for an id, several for an address, newest first.
public struct TraceReport: Codable, Hashable, Sendable {
    /// The histories.
    public var messages: [TracedMessage]
    /// Whether there may be older ones than were asked for.
    public var isCut: Bool
}

/// What happened to one message.
public struct TracedMessage: Codable, Hashable, Sendable {
    /// The queue id.
    public var id: String
    /// Its events, oldest first.
    public var events: [EventLine]
    /// Records of it that could not be understood.
    public var unreadable: Int
    /// Where it stands now, while it waits.
    public var waiting: ListedMessage?

    init(_ trace: MessageTrace, waiting: MessageDetails?) {
        id = trace.message.description
        events = trace.lines.map { EventLine($0) }
        unreadable = trace.unreadable
        self.waiting = waiting.map { ListedMessage($0.summary) }
    }
}

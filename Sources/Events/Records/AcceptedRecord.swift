import MessageFormat
import Ports
import SMTP

/// What the `accepted` record of a message says; the received bytes are the record's body.
public struct AcceptedRecord: Hashable, Sendable {
    /// The message.
    public var message: QueueID
    /// Its envelope.
    public var envelope: Envelope
    /// Header fields that Baton added, CRLF-terminated.
    public var prefix: [UInt8]
    /// Octets of each chunk that was written before, in their order; empty for a message in one record.
    public var chunkSizes: [UInt32]

    /// The record of a message.
    public init(message: QueueID, envelope: Envelope, prefix: [UInt8], chunkSizes: [UInt32] = []) {
        self.message = message
        self.envelope = envelope
        self.prefix = prefix
        self.chunkSizes = chunkSizes
    }

    /// The record's meta part.
    public var encoded: [UInt8] {
        // Generous, so that an ordinary message never grows the array.
        var writer = FieldWriter(capacity: 320 + prefix.count + 96 * envelope.recipients.count)
        writer.fixed(FieldTag.message, message.rawValue)
        writer.fixed(FieldTag.time, UInt64(bitPattern: envelope.arrival.nanoseconds))
        writer.write(envelope)
        if !prefix.isEmpty { writer.bytes(FieldTag.prefix, prefix) }
        for size in chunkSizes { writer.number(FieldTag.chunkSize, UInt64(size)) }
        return writer.bytes
    }

    /// Reads a meta part; never traps, whatever it holds.
    public init(decoding meta: ArraySlice<UInt8>) throws(RecordError) {
        var message: UInt64?
        var prefix: [UInt8] = []
        var chunkSizes: [UInt32] = []
        var envelope = Envelope(reversePath: .null, recipients: [], arrival: Timestamp(nanoseconds: 0))
        var hasReversePath = false
        var reader = FieldReader(meta)
        while let field = try reader.next() {
            switch field.tag {
            case FieldTag.message: message = try field.fixed()
            case FieldTag.time: envelope.arrival = Timestamp(nanoseconds: Int64(bitPattern: try field.fixed()))
            case FieldTag.prefix: prefix = Array(field.value)
            case FieldTag.chunkSize: chunkSizes.append(try field.number(as: UInt32.self))
            case FieldTag.reversePath:
                hasReversePath = true
                try envelope.read(field)
            default: try envelope.read(field)
            }
        }
        guard let message else { throw .missing(tag: FieldTag.message) }
        guard hasReversePath else { throw .missing(tag: FieldTag.reversePath) }
        guard envelope.recipients.count <= Int(UInt16.max) else { throw .invalid(tag: FieldTag.recipient) }
        for recipient in envelope.recipients {
            if let parent = recipient.parent, Int(parent) >= envelope.recipients.count {
                throw .invalid(tag: FieldTag.recipient)
            }
        }
        self.init(message: QueueID(rawValue: message), envelope: envelope, prefix: prefix, chunkSizes: chunkSizes)
    }
}

extension FieldWriter {
    fileprivate mutating func write(_ envelope: Envelope) {
        raw(FieldTag.reversePath) { bytes in
            if case .mailbox(let address) = envelope.reversePath { address.append(to: &bytes) }
        }
        for recipient in envelope.recipients { write(recipient) }
        if envelope.body != .sevenBit { octet(FieldTag.body, envelope.body.rawValue) }
        if envelope.smtpUTF8 { octet(FieldTag.smtpUTF8, 1) }
        if envelope.requireTLS { octet(FieldTag.requireTLS, 1) }
        if let content = envelope.returnContent { octet(FieldTag.returnContent, content.rawValue) }
        text(FieldTag.envelopeID, envelope.envelopeID)
        number(FieldTag.size, envelope.size)
        if !envelope.content.isEmpty { octet(FieldTag.content, envelope.content.rawValue) }
        if let moment = envelope.notBefore { fixed(FieldTag.notBefore, UInt64(bitPattern: moment.nanoseconds)) }
        if let moment = envelope.expiresAt { fixed(FieldTag.expiresAt, UInt64(bitPattern: moment.nanoseconds)) }
        if envelope.priority != 0 { octet(FieldTag.priority, UInt8(bitPattern: envelope.priority)) }
        for finding in envelope.findings { write(finding) }
        text(FieldTag.verification, envelope.verification)
        if let address = envelope.forwardedReversePath { raw(FieldTag.forwardedReversePath) { address.append(to: &$0) } }
        write(envelope.origin)
    }

    private mutating func write(_ finding: RuleFinding) {
        nested(FieldTag.finding) { writer in
            writer.text(FieldTag.Finding.rule, finding.rule)
            writer.octet(FieldTag.Finding.effect, finding.effect.rawValue)
            writer.text(FieldTag.Finding.saw, finding.saw)
        }
    }

    private mutating func write(_ recipient: Recipient) {
        nested(FieldTag.recipient) { writer in
            writer.raw(FieldTag.Recipient.address) { recipient.address.append(to: &$0) }
            if let original = recipient.originalRecipient {
                writer.text(FieldTag.Recipient.originalType, original.addressType)
                writer.text(FieldTag.Recipient.originalAddress, original.address)
            }
            if let notify = recipient.notify { writer.octet(FieldTag.Recipient.notify, notify.rawValue) }
            if let parent = recipient.parent { writer.number(FieldTag.Recipient.parent, UInt64(parent)) }
            if recipient.isExpanded { writer.octet(FieldTag.Recipient.expanded, 1) }
            if recipient.isForwarded { writer.octet(FieldTag.Recipient.forwarded, 1) }
        }
    }

    private mutating func write(_ origin: Origin) {
        if let address = origin.clientAddress { write(FieldTag.clientAddress, address) }
        text(FieldTag.clientName, origin.clientName)
        text(FieldTag.helo, origin.helo)
        text(FieldTag.transmission, origin.transmission)
        text(FieldTag.listener, origin.listener)
        text(FieldTag.account, origin.account)
        if let userID = origin.userID { number(FieldTag.userID, UInt64(userID)) }
        text(FieldTag.tls, origin.tls)
        if let message = origin.reportOn { fixed(FieldTag.reportOn, message.rawValue) }
        if !origin.forwarded.isEmpty {
            nested(FieldTag.forwarded) { writer in
                for fact in origin.forwarded { writer.text(fact.name.rawValue, fact.value) }
            }
        }
    }

    mutating func write(_ tag: UInt8, _ address: IPAddress) {
        raw(tag) { bytes in
            switch address {
            case .v4(let bits):
                withUnsafeBytes(of: bits.bigEndian) { bytes.append(contentsOf: $0) }
            case .v6(let high, let low):
                withUnsafeBytes(of: high.bigEndian) { bytes.append(contentsOf: $0) }
                withUnsafeBytes(of: low.bigEndian) { bytes.append(contentsOf: $0) }
            }
        }
    }
}

extension Envelope {
    /// Takes one field; unknown tags are skipped.
    fileprivate mutating func read(_ field: Field) throws(RecordError) {
        switch field.tag {
        case FieldTag.reversePath:
            reversePath = field.value.isEmpty ? .null : .mailbox(try field.address())
        case FieldTag.recipient: recipients.append(try Recipient(field))
        case FieldTag.body:
            guard let type = BodyType(rawValue: try field.octet()) else { throw .invalid(tag: field.tag) }
            body = type
        case FieldTag.smtpUTF8: smtpUTF8 = try field.octet() != 0
        case FieldTag.requireTLS: requireTLS = try field.octet() != 0
        case FieldTag.returnContent: returnContent = ReturnContent(rawValue: try field.octet())
        case FieldTag.envelopeID: envelopeID = field.text
        case FieldTag.size: size = try field.number()
        case FieldTag.content: content = ContentFacts(rawValue: try field.octet())
        case FieldTag.notBefore: notBefore = Timestamp(nanoseconds: Int64(bitPattern: try field.fixed()))
        case FieldTag.expiresAt: expiresAt = Timestamp(nanoseconds: Int64(bitPattern: try field.fixed()))
        case FieldTag.priority: priority = Int8(bitPattern: try field.octet())
        case FieldTag.finding: findings.append(try RuleFinding(field))
        case FieldTag.verification: verification = field.text
        case FieldTag.forwardedReversePath: forwardedReversePath = try field.address()
        default: try origin.read(field)
        }
    }
}

extension Origin {
    fileprivate mutating func read(_ field: Field) throws(RecordError) {
        switch field.tag {
        case FieldTag.clientAddress: clientAddress = try field.ipAddress()
        case FieldTag.clientName: clientName = field.text
        case FieldTag.helo: helo = field.text
        case FieldTag.transmission: transmission = field.text
        case FieldTag.listener: listener = field.text
        case FieldTag.account: account = field.text
        case FieldTag.userID: userID = try field.number(as: UInt32.self)
        case FieldTag.tls: tls = field.text
        case FieldTag.reportOn: reportOn = QueueID(rawValue: try field.fixed())
        case FieldTag.forwarded:
            var reader = field.fields
            while let part = try reader.next() {
                if let name = ForwardedFact.Name(rawValue: part.tag) { forwarded.append(ForwardedFact(name, part.text)) }
            }
        default: break
        }
    }
}

extension RuleFinding {
    fileprivate init(_ field: Field) throws(RecordError) {
        var rule: String?
        var effect = Effect.observed
        var saw = ""
        var reader = field.fields
        while let part = try reader.next() {
            switch part.tag {
            case FieldTag.Finding.rule: rule = part.text
            case FieldTag.Finding.effect:
                guard let known = Effect(rawValue: try part.octet()) else { throw .invalid(tag: field.tag) }
                effect = known
            case FieldTag.Finding.saw: saw = part.text
            default: break
            }
        }
        guard let rule else { throw .missing(tag: FieldTag.finding) }
        self.init(rule: rule, effect: effect, saw: saw)
    }
}

extension Recipient {
    fileprivate init(_ field: Field) throws(RecordError) {
        var address: EmailAddress?
        var originalType: String?
        var originalAddress: String?
        var notify: NotifyConditions?
        var parent: UInt16?
        var isExpanded = false
        var isForwarded = false
        var reader = field.fields
        while let part = try reader.next() {
            switch part.tag {
            case FieldTag.Recipient.address: address = try part.address()
            case FieldTag.Recipient.originalType: originalType = part.text
            case FieldTag.Recipient.originalAddress: originalAddress = part.text
            case FieldTag.Recipient.notify: notify = NotifyConditions(rawValue: try part.octet())
            case FieldTag.Recipient.parent: parent = try part.number(as: UInt16.self)
            case FieldTag.Recipient.expanded: isExpanded = try part.octet() != 0
            case FieldTag.Recipient.forwarded: isForwarded = try part.octet() != 0
            default: break
            }
        }
        guard let address else { throw .missing(tag: FieldTag.recipient) }
        self.init(address: address, notify: notify, parent: parent, isExpanded: isExpanded, isForwarded: isForwarded)
        if let originalType, let originalAddress {
            originalRecipient = OriginalRecipient(addressType: originalType, address: originalAddress)
        }
    }
}

extension Field {
    // What the configuration's limits once let in must be readable for ever.
    private static let anyLength = AddressLimits(localPart: 1 << 14, path: 1 << 14)

    func address() throws(RecordError) -> EmailAddress {
        do {
            return try EmailAddress(parsing: value, limits: Field.anyLength)
        } catch {
            throw .invalid(tag: tag)
        }
    }

    func ipAddress() throws(RecordError) -> IPAddress {
        func half(_ part: ArraySlice<UInt8>) -> UInt64 { part.reduce(0) { $0 << 8 | UInt64($1) } }
        switch value.count {
        case 4: return .v4(UInt32(truncatingIfNeeded: half(value)))
        case 16: return .v6(high: half(value.prefix(8)), low: half(value.suffix(8)))
        default: throw .invalid(tag: tag)
        }
    }
}

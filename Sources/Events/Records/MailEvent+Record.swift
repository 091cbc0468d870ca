import Ports
import SMTP

extension MailEvent {
    /// The kind of the record that carries this event.
    public var kind: RecordKind {
        switch detail {
        case .accepted: .accepted
        case .attempted: .attempted
        case .held: .held
        case .released: .released
        case .retryRequested: .retryRequested
        case .removed: .removed
        case .reported: .reported
        case .bounceDropped: .bounceDropped
        case .crashed: .crashed
        }
    }

    /// The record's meta part; for `accepted` without prefix and chunks, which only `AcceptedRecord` knows.
    public var encoded: [UInt8] {
        if case .accepted(let envelope) = detail {
            return AcceptedRecord(message: message, envelope: envelope, prefix: []).encoded
        }
        var writer = FieldWriter(capacity: 256)
        writer.fixed(FieldTag.message, message.rawValue)
        writer.fixed(FieldTag.time, UInt64(bitPattern: time.nanoseconds))
        switch detail {
        case .accepted, .released, .retryRequested: break
        case .attempted(let result): writer.write(result)
        case .held(let reason): writer.octet(FieldTag.holdReason, reason.rawValue)
        case .removed(let recipients), .bounceDropped(let recipients): writer.write(recipients)
        case .reported(let report):
            writer.fixed(FieldTag.report, report.report.rawValue)
            writer.octet(FieldTag.action, report.action.rawValue)
            writer.octet(FieldTag.noticesGiven, report.noticesGiven)
            writer.write(report.recipients)
        case .crashed(let count): writer.octet(FieldTag.crashes, count)
        }
        return writer.bytes
    }

    /// Reads the meta part of a record; nil for kinds that are no event of one message. Never traps.
    public init?(kind: RecordKind, decoding meta: ArraySlice<UInt8>) throws(RecordError) {
        var parts = EventParts()
        switch kind {
        case .accepted:
            let record = try AcceptedRecord(decoding: meta)
            self.init(message: record.message, time: record.envelope.arrival, detail: .accepted(record.envelope))
            return
        case .bodyChunk, .attemptsStarted, .marker: return nil
        case .attempted, .held, .released, .retryRequested, .removed, .reported, .bounceDropped, .crashed:
            var reader = FieldReader(meta)
            while let field = try reader.next() { try parts.read(field) }
        }
        guard let message = parts.message else { throw .missing(tag: FieldTag.message) }
        guard let time = parts.time else { throw .missing(tag: FieldTag.time) }
        self.init(message: message, time: time, detail: try parts.detail(of: kind))
    }
}

/// The fields of an event on their way in.
private struct EventParts {
    var message: QueueID?
    var time: Timestamp?
    var attempt = AttemptResult(number: 0, host: nil, duration: .zero, results: [])
    var holdReason: HoldReason?
    var report: QueueID?
    var action: ReportAction?
    var recipients: [UInt16] = []
    var crashes: UInt8?

    mutating func read(_ field: Field) throws(RecordError) {
        switch field.tag {
        case FieldTag.message: message = QueueID(rawValue: try field.fixed())
        case FieldTag.time: time = Timestamp(nanoseconds: Int64(bitPattern: try field.fixed()))
        case FieldTag.attemptNumber: attempt.number = try field.number(as: UInt32.self)
        case FieldTag.host: attempt.host = try RemoteHost(field)
        case FieldTag.duration: attempt.duration = .nanoseconds(try field.number(as: Int64.self))
        case FieldTag.result: attempt.results.append(try RecipientResult(field))
        case FieldTag.noticesGiven: attempt.noticesGiven = try field.octet()
        case FieldTag.holdReason: holdReason = HoldReason(rawValue: try field.octet())
        case FieldTag.report: report = QueueID(rawValue: try field.fixed())
        case FieldTag.action: action = ReportAction(rawValue: try field.octet())
        case FieldTag.recipientIndex: recipients.append(try field.number(as: UInt16.self))
        case FieldTag.crashes: crashes = try field.octet()
        default: break
        }
    }

    func detail(of kind: RecordKind) throws(RecordError) -> MailEvent.Detail {
        switch kind {
        case .accepted, .bodyChunk, .attemptsStarted, .marker: throw .unknownKind
        case .attempted: return .attempted(attempt)
        case .held: return .held(holdReason ?? .operatorRequest)
        case .released: return .released
        case .retryRequested: return .retryRequested
        case .removed: return .removed(recipients: recipients)
        case .bounceDropped: return .bounceDropped(recipients: recipients)
        case .reported:
            guard let report else { throw .missing(tag: FieldTag.report) }
            return .reported(ReportEvent(report: report, action: action ?? .mixed, recipients: recipients,
                                         noticesGiven: attempt.noticesGiven))
        case .crashed:
            guard let crashes else { throw .missing(tag: FieldTag.crashes) }
            return .crashed(count: crashes)
        }
    }
}

extension FieldWriter {
    fileprivate mutating func write(_ recipients: [UInt16]) {
        for index in recipients { number(FieldTag.recipientIndex, UInt64(index)) }
    }

    fileprivate mutating func write(_ attempt: AttemptResult) {
        number(FieldTag.attemptNumber, UInt64(attempt.number))
        if let host = attempt.host { write(host) }
        number(FieldTag.duration, UInt64(max(0, attempt.duration.clampedNanoseconds)))
        if attempt.noticesGiven != 0 { octet(FieldTag.noticesGiven, attempt.noticesGiven) }
        for result in attempt.results { write(result) }
    }

    private mutating func write(_ host: RemoteHost) {
        nested(FieldTag.host) { writer in
            writer.text(FieldTag.Host.name, host.name.clipped(to: 255))
            switch host.endpoint {
            case .ip(let address, let port):
                writer.write(FieldTag.Host.address, address)
                writer.number(FieldTag.Host.port, UInt64(port))
            case .unix(let path): writer.text(FieldTag.Host.path, path.clipped(to: 255))
            case nil: break
            }
            writer.text(FieldTag.Host.tls, host.tls?.clipped(to: 255))
        }
    }

    private mutating func write(_ result: RecipientResult) {
        nested(FieldTag.result) { writer in
            writer.number(FieldTag.Result.recipient, UInt64(result.recipient))
            writer.octet(FieldTag.Result.outcome, OutcomeCode(result.outcome).rawValue)
            switch result.outcome {
            case .delivered(let reply): if let reply { writer.write(reply) }
            case .relayed(let reply, let duty):
                writer.octet(FieldTag.Result.duty, duty.rawValue)
                if let reply { writer.write(reply) }
            case .deferred(let until, let diagnosis):
                writer.fixed(FieldTag.Result.until, UInt64(bitPattern: until.nanoseconds))
                writer.write(diagnosis)
            case .bounced(let diagnosis), .expired(let diagnosis): writer.write(diagnosis)
            }
        }
    }

    private mutating func write(_ diagnosis: Diagnosis) {
        write(FieldTag.Result.status, diagnosis.status)
        if let reply = diagnosis.reply { write(reply) }
        if !diagnosis.explanation.isEmpty {
            text(FieldTag.Result.explanation, diagnosis.explanation.clipped(to: ReplyLimits.octetsPerLine))
        }
        if diagnosis.bounceClass != .unclassified { octet(FieldTag.Result.bounceClass, diagnosis.bounceClass.rawValue) }
    }

    private mutating func write(_ reply: Reply) {
        number(FieldTag.Result.replyCode, UInt64(max(0, reply.code)))
        if let status = reply.enhanced { write(FieldTag.Result.replyStatus, status) }
        for line in reply.lines.prefix(ReplyLimits.lines) {
            text(FieldTag.Result.replyLine, line.clipped(to: ReplyLimits.octetsPerLine))
        }
    }

    private mutating func write(_ tag: UInt8, _ status: EnhancedStatusCode) {
        number(tag, UInt64(status.class) << 32 | UInt64(status.subject) << 16 | UInt64(status.detail))
    }
}

/// How much of a remote host's words is kept: enough for every reply that is meant for people.
private enum ReplyLimits {
    static let lines = 20
    static let octetsPerLine = 512
}

extension String {
    /// The longest beginning of at most `limit` octets that does not cut a character.
    fileprivate func clipped(to limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var clipped = ""
        var count = 0
        for scalar in unicodeScalars {
            count += UTF8.width(scalar)
            if count > limit { break }
            clipped.unicodeScalars.append(scalar)
        }
        return clipped
    }
}

/// The number of an outcome in a record.
private enum OutcomeCode: UInt8 {
    case delivered = 1, relayed = 2, deferred = 3, bounced = 4, expired = 5

    init(_ outcome: RecipientOutcome) {
        switch outcome {
        case .delivered: self = .delivered
        case .relayed: self = .relayed
        case .deferred: self = .deferred
        case .bounced: self = .bounced
        case .expired: self = .expired
        }
    }
}

extension RemoteHost {
    fileprivate init(_ field: Field) throws(RecordError) {
        self.init(name: "")
        var address: IPAddress?
        var port: UInt16 = 0
        var reader = field.fields
        while let part = try reader.next() {
            switch part.tag {
            case FieldTag.Host.name: name = part.text
            case FieldTag.Host.address: address = try part.ipAddress()
            case FieldTag.Host.port: port = try part.number(as: UInt16.self)
            case FieldTag.Host.path: endpoint = .unix(path: part.text)
            case FieldTag.Host.tls: tls = part.text
            default: break
            }
        }
        if let address { endpoint = .ip(address, port: port) }
    }
}

extension RecipientResult {
    fileprivate init(_ field: Field) throws(RecordError) {
        var recipient: UInt16?
        var code: OutcomeCode?
        var until: Timestamp?
        var duty = ReportDuty.thisHost
        var status: EnhancedStatusCode?
        var replyCode: Int?
        var replyStatus: EnhancedStatusCode?
        var lines: [String] = []
        var explanation = ""
        var bounceClass = BounceClass.unclassified
        var reader = field.fields
        while let part = try reader.next() {
            switch part.tag {
            case FieldTag.Result.recipient: recipient = try part.number(as: UInt16.self)
            case FieldTag.Result.outcome: code = OutcomeCode(rawValue: try part.octet())
            case FieldTag.Result.until: until = Timestamp(nanoseconds: Int64(bitPattern: try part.fixed()))
            case FieldTag.Result.duty: duty = ReportDuty(rawValue: try part.octet()) ?? .thisHost
            case FieldTag.Result.status: status = try part.status()
            case FieldTag.Result.replyCode: replyCode = Int(try part.number(as: UInt16.self))
            case FieldTag.Result.replyStatus: replyStatus = try part.status()
            case FieldTag.Result.replyLine: lines.append(part.text)
            case FieldTag.Result.explanation: explanation = part.text
            case FieldTag.Result.bounceClass: bounceClass = BounceClass(rawValue: try part.octet()) ?? .unclassified
            default: break
            }
        }
        guard let recipient else { throw .missing(tag: FieldTag.Result.recipient) }
        guard let code else { throw .missing(tag: FieldTag.Result.outcome) }
        let reply = replyCode.map { Reply(code: $0, enhanced: replyStatus, lines: lines) }
        func diagnosis() throws(RecordError) -> Diagnosis {
            guard let status else { throw .missing(tag: FieldTag.Result.status) }
            return Diagnosis(status: status, reply: reply, explanation: explanation, bounceClass: bounceClass)
        }
        self.recipient = recipient
        switch code {
        case .delivered: outcome = .delivered(reply)
        case .relayed: outcome = .relayed(reply, reportedBy: duty)
        case .deferred:
            guard let until else { throw .missing(tag: FieldTag.Result.until) }
            outcome = .deferred(until: until, try diagnosis())
        case .bounced: outcome = .bounced(try diagnosis())
        case .expired: outcome = .expired(try diagnosis())
        }
    }
}

extension Field {
    fileprivate func status() throws(RecordError) -> EnhancedStatusCode {
        let packed = try number()
        guard packed >> 40 == 0 else { throw .invalid(tag: tag) }
        return EnhancedStatusCode(UInt8(truncatingIfNeeded: packed >> 32), UInt16(truncatingIfNeeded: packed >> 16),
                                  UInt16(truncatingIfNeeded: packed))
    }
}

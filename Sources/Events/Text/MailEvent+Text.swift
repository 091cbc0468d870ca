import MessageFormat
import Ports
import SMTP

extension MailEvent {
    /// The event in the words that logs, `trace` and readers share.
    ///
    /// With the message's `envelope`, recipients are named by their addresses, otherwise by their indexes.
    public func fields(envelope: Envelope? = nil) -> [EventField] {
        var fields = [
            EventField("time", .text(DateTime.rfc3339(time))),
            EventField("event", .text(detail.name)),
            EventField("id", .text(message.description)),
        ]
        switch detail {
        case .accepted(let envelope): fields += envelope.fields
        case .attempted(let result): fields += result.fields(envelope)
        case .held(let reason): fields.append(EventField("reason", .text(reason.name)))
        case .released, .retryRequested: break
        case .removed(let recipients), .bounceDropped(let recipients):
            fields.append(EventField("recipients", .list(recipients.map { envelope.name(of: $0) })))
        case .reported(let report):
            fields.append(EventField("report", .text(report.report.description)))
            fields.append(EventField("action", .text(report.action.name)))
            fields.append(EventField("recipients", .list(report.recipients.map { envelope.name(of: $0) })))
        case .crashed(let count): fields.append(EventField("crashes", .number(Int64(count))))
        }
        return fields
    }
}

extension Envelope? {
    fileprivate func name(of recipient: UInt16) -> EventValue {
        guard let self, self.recipients.indices.contains(Int(recipient)) else { return .text("#\(recipient)") }
        return .text(self.recipients[Int(recipient)].address.description)
    }
}

extension Envelope {
    fileprivate var fields: [EventField] {
        var fields = [
            EventField("sender", .text(reversePath.address?.description ?? "")),
            EventField("recipients", .list(recipients.filter { !$0.isExpanded }.map { .text($0.address.description) })),
            EventField("size", .number(Int64(clamping: size))),
        ]
        let expanded = recipients.filter(\.isExpanded)
        if !expanded.isEmpty { fields.append(EventField("expanded", .list(expanded.map { .text($0.address.description) }))) }
        if smtpUTF8 { fields.append(EventField("smtputf8", .flag(true))) }
        if requireTLS { fields.append(EventField("requiretls", .flag(true))) }
        if let envelopeID { fields.append(EventField("envid", .text(envelopeID))) }
        if let moment = notBefore { fields.append(EventField("not_before", .text(DateTime.rfc3339(moment)))) }
        if let moment = expiresAt { fields.append(EventField("expires", .text(DateTime.rfc3339(moment)))) }
        if let address = forwardedReversePath { fields.append(EventField("forwarded_as", .text(address.description))) }
        if let verification { fields.append(EventField("verification", .text(verification))) }
        return fields + origin.fields + findings.eventFields
    }
}

extension Origin {
    fileprivate var fields: [EventField] {
        var fields: [EventField] = []
        func add(_ name: String, _ text: String?) {
            if let text { fields.append(EventField(name, .text(text))) }
        }
        add("client_address", clientAddress?.description)
        add("client_name", clientName)
        add("helo", helo)
        add("with", transmission)
        add("tls", tls)
        add("listener", listener)
        add("account", account)
        if let userID { fields.append(EventField("uid", .number(Int64(userID)))) }
        add("report_on", reportOn?.description)
        for fact in forwarded { add(fact.name.text, fact.value) }
        return fields
    }
}

extension AttemptResult {
    fileprivate func fields(_ envelope: Envelope?) -> [EventField] {
        var fields = [EventField("attempt", .number(Int64(number)))]
        if let host {
            fields.append(EventField("host", .text(host.name)))
            if let endpoint = host.endpoint { fields.append(EventField("endpoint", .text(endpoint.description))) }
            if let tls = host.tls { fields.append(EventField("tls", .text(tls))) }
        }
        fields.append(EventField("duration_ms", .number(duration.clampedNanoseconds / 1_000_000)))
        fields.append(EventField("results", .list(results.map { .object($0.fields(envelope)) })))
        return fields
    }
}

extension RecipientResult {
    fileprivate func fields(_ envelope: Envelope?) -> [EventField] {
        [EventField("recipient", envelope.name(of: recipient)), EventField("outcome", .text(outcome.name))] + outcome.fields
    }
}

extension RecipientOutcome {
    /// What stands beside the outcome's name.
    var fields: [EventField] {
        switch self {
        case .delivered(let reply): return reply.fields
        case .relayed(let reply, let duty):
            return reply.fields + [EventField("reported_by", .text(duty == .thisHost ? "this-host" : "next-hop"))]
        case .deferred(let until, let diagnosis):
            return [EventField("until", .text(DateTime.rfc3339(until)))] + diagnosis.fields
        case .bounced(let diagnosis), .expired(let diagnosis): return diagnosis.fields
        }
    }
}

extension Diagnosis {
    fileprivate var fields: [EventField] {
        var fields = [EventField("status", .text(status.description))] + reply.fields
        if !explanation.isEmpty { fields.append(EventField("explanation", .text(explanation))) }
        if bounceClass != .unclassified { fields.append(EventField("class", .text(bounceClass.name))) }
        return fields
    }
}

extension Reply? {
    fileprivate var fields: [EventField] {
        guard let self else { return [] }
        return [EventField("reply", .text(self.description))]
    }
}

import MessageFormat
import Ports
import SMTP

extension MailEvent {
    /// The event in the words that logs, `trace` and readers share.
    ///
    /// With the message's `envelope`, recipients are named by their addresses, otherwise by their indexes.
    public func fields(envelope: Envelope? = nil) -> [EventField] {
        var tree = FieldTree()
        write(to: &tree, envelope: envelope)
        return tree.fields
    }

    /// Tells the event to `sink`, in the words that logs, `trace` and readers share.
    ///
    /// With the message's `envelope`, recipients are named by their addresses, otherwise by their indexes.
    func write(to sink: inout some FieldSink, envelope: Envelope? = nil) {
        sink.text("time") { DateTime.appendRFC3339(time, to: &$0) }
        sink.text("event", detail.name)
        sink.text("id") { message.write(to: &$0) }
        switch detail {
        case .accepted(let envelope): envelope.write(to: &sink)
        case .attempted(let result): result.write(to: &sink, envelope)
        case .held(let reason): sink.text("reason", reason.name)
        case .released, .retryRequested: break
        case .removed(let recipients), .bounceDropped(let recipients): envelope.write(recipients, to: &sink)
        case .reported(let report):
            sink.text("report") { report.report.write(to: &$0) }
            sink.text("action", report.action.name)
            envelope.write(report.recipients, to: &sink)
        case .crashed(let count): sink.number("crashes", Int64(count))
        }
    }
}

extension Envelope? {
    fileprivate func appendName(of recipient: UInt16, to bytes: inout [UInt8]) {
        guard let self, self.recipients.indices.contains(Int(recipient)) else {
            return bytes.append(contentsOf: "#\(recipient)".utf8)
        }
        self.recipients[Int(recipient)].address.append(to: &bytes)
    }

    fileprivate func write(_ recipients: [UInt16], to sink: inout some FieldSink) {
        sink.beginList("recipients")
        for recipient in recipients { sink.element { appendName(of: recipient, to: &$0) } }
        sink.endList()
    }
}

extension Envelope {
    fileprivate func write(to sink: inout some FieldSink) {
        sink.text("sender") { reversePath.address?.append(to: &$0) }
        writeRecipients("recipients", to: &sink) { !$0.isExpanded }
        sink.number("size", Int64(clamping: size))
        if recipients.contains(where: \.isExpanded) { writeRecipients("expanded", to: &sink, where: \.isExpanded) }
        if smtpUTF8 { sink.flag("smtputf8", true) }
        if requireTLS { sink.flag("requiretls", true) }
        sink.text("envid", envelopeID)
        if let moment = notBefore { sink.text("not_before") { DateTime.appendRFC3339(moment, to: &$0) } }
        if let moment = expiresAt { sink.text("expires") { DateTime.appendRFC3339(moment, to: &$0) } }
        if let address = forwardedReversePath { sink.text("forwarded_as") { address.append(to: &$0) } }
        sink.text("verification", verification)
        origin.write(to: &sink)
        if !findings.isEmpty {
            sink.beginList("rules")
            for finding in findings { sink.element { $0.append(contentsOf: finding.description.utf8) } }
            sink.endList()
        }
    }

    private func writeRecipients(_ name: StaticString, to sink: inout some FieldSink, where isNamed: (Recipient) -> Bool) {
        sink.beginList(name)
        for recipient in recipients where isNamed(recipient) { sink.element { recipient.address.append(to: &$0) } }
        sink.endList()
    }
}

extension Origin {
    fileprivate func write(to sink: inout some FieldSink) {
        if let clientAddress { sink.text("client_address") { clientAddress.append(to: &$0) } }
        sink.text("client_name", clientName)
        sink.text("helo", helo)
        sink.text("with", transmission)
        sink.text("tls", tls)
        sink.text("listener", listener)
        sink.text("account", account)
        if let userID { sink.number("uid", Int64(userID)) }
        if let reportOn { sink.text("report_on") { reportOn.write(to: &$0) } }
        for fact in forwarded { sink.text(fact.name.word, fact.value) }
    }
}

extension AttemptResult {
    fileprivate func write(to sink: inout some FieldSink, _ envelope: Envelope?) {
        sink.number("attempt", Int64(number))
        if let host {
            sink.text("host", host.name)
            if let endpoint = host.endpoint { sink.text("endpoint") { endpoint.append(to: &$0) } }
            sink.text("tls", host.tls)
        }
        sink.number("duration_ms", duration.clampedNanoseconds / 1_000_000)
        sink.beginList("results")
        for result in results {
            sink.beginObject()
            sink.text("recipient") { envelope.appendName(of: result.recipient, to: &$0) }
            sink.text("outcome", result.outcome.name)
            result.outcome.write(to: &sink)
            sink.endObject()
        }
        sink.endList()
    }
}

extension RecipientOutcome {
    /// Writes what stands beside the outcome's name.
    fileprivate func write(to sink: inout some FieldSink) {
        switch self {
        case .delivered(let reply): reply?.write(to: &sink)
        case .relayed(let reply, let duty):
            reply?.write(to: &sink)
            sink.text("reported_by", duty == .thisHost ? "this-host" : "next-hop")
        case .deferred(let until, let diagnosis):
            sink.text("until") { DateTime.appendRFC3339(until, to: &$0) }
            diagnosis.write(to: &sink)
        case .bounced(let diagnosis), .expired(let diagnosis): diagnosis.write(to: &sink)
        }
    }
}

extension Diagnosis {
    fileprivate func write(to sink: inout some FieldSink) {
        sink.text("status") { status.append(to: &$0) }
        reply?.write(to: &sink)
        if !explanation.isEmpty { sink.text("explanation", explanation) }
        if bounceClass != .unclassified { sink.text("class", bounceClass.name) }
    }
}

extension Reply {
    fileprivate func write(to sink: inout some FieldSink) {
        sink.text("reply") { bytes in
            bytes.append(decimal: Int64(code))
            bytes.append(0x20)
            if let enhanced {
                enhanced.append(to: &bytes)
                bytes.append(0x20)
            }
            for (index, line) in lines.enumerated() {
                if index > 0 { bytes.append(0x20) }
                bytes.append(contentsOf: line.utf8)
            }
        }
    }
}

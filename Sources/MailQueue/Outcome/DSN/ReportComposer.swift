import Events
import MessageFormat
import Ports
import SMTP
import Storage

/// Makes delivery status notifications out of plans (RFC 3461 §6, RFC 3464).
struct ReportComposer {
    let settings: QueueSettings
    let now: Timestamp

    /// A notification, ready for the queue.
    struct Report: Sendable {
        let message: AcceptedMessage
        let event: MailEvent
        /// The records that make it part of the log: the message, then the event of the message that it is about.
        let drafts: [RecordDraft]

        init(message: AcceptedMessage, event: MailEvent) {
            self.message = message
            self.event = event
            drafts = [message.draft(chunkSizes: []), event.draft]
        }
    }

    /// What of the original goes back, read beforehand.
    struct Returned: Sendable {
        let bytes: [UInt8]
        let isWhole: Bool

        /// What goes back where nothing failed: the header alone, whatever RET says (RFC 3461 §4.3).
        var header: Returned { Returned(bytes: bytes, isWhole: false) }
    }

    /// The notification of `plan` as a message with the id given.
    func compose(_ plan: ReportPlan, about original: AcceptedMessage, returned: Returned?, id: QueueID) -> Report? {
        let recipient: EmailAddress
        switch (plan.purpose, original.envelope.reversePath) {
        case (.doubleBounce, _): recipient = settings.postmaster
        case (_, .mailbox(let sender)): recipient = sender
        // A report about a report would go round in circles.
        case (_, .null): return nil
        }
        let words = ReportWords(plan: plan, original: original, settings: settings, returned: returned?.bytes)
        var report = MultipartReport(
            from: HeaderMailbox(displayName: "Mail Delivery System", address: settings.sender), to: recipient,
            subject: words.subject, messageID: "\(id)@\(settings.hostName.ascii)", date: now, text: words.text,
            status: status(plan, original), returned: ReportComposer.part(returned), boundary: "=_\(id)")
        // Eight-bit parts would ask for 8BITMIME of every hop on the way back; only a message that had it returns as it was.
        report.transport = original.envelope.body == .sevenBit && !original.envelope.smtpUTF8 ? .sevenBit : .eightBit
        let composed = report.compose()
        let envelope = Envelope(
            reversePath: .null, recipients: [Recipient(address: recipient, notify: .never)], arrival: now,
            body: composed.isEightBit ? .eightBitMIME : .sevenBit, smtpUTF8: composed.needsSMTPUTF8,
            // What must not travel in the clear must not come back in the clear (RFC 8689 §5).
            requireTLS: original.envelope.requireTLS,
            origin: Origin(transmission: "local", reportOn: original.id),
            content: composed.isEightBit ? .eightBitBody : [], size: UInt64(composed.bytes.count))
        let message = AcceptedMessage(id: id, envelope: envelope, prefix: [], body: composed.bytes)
        let event = MailEvent(message: original.id, time: now, detail: .reported(ReportEvent(
            report: id, action: plan.action, recipients: plan.recipients, noticesGiven: plan.noticesGiven)))
        return Report(message: message, event: event)
    }

    private static func part(_ returned: Returned?) -> MultipartReport.Returned {
        guard let returned else { return .nothing }
        return returned.isWhole ? .message(returned.bytes) : .headers(returned.bytes)
    }

    private func status(_ plan: ReportPlan, _ original: AcceptedMessage) -> DeliveryStatusReport {
        let envelope = original.envelope
        var report = DeliveryStatusReport(reportingMTA: .dns(settings.hostName.ascii), recipients: plan.items.map { item in
            status(item, plan, envelope)
        })
        report.originalEnvelopeID = envelope.envelopeID
        if let name = envelope.origin.helo ?? envelope.origin.clientName { report.receivedFromMTA = .dns(name) }
        report.arrivalDate = DateTime(envelope.arrival)
        report.extensionFields = [ReportField("X-Baton-Queue-ID", original.id.description)]
        return report
    }

    private func status(_ item: ReportPlan.Item, _ plan: ReportPlan, _ envelope: Envelope) -> RecipientStatus {
        let recipient = envelope.recipients[Int(item.recipient)]
        let code = item.diagnosis.status
        var status = RecipientStatus(finalRecipient: .address(recipient.address), action: item.action,
                                     status: StatusCode(code.class, code.subject, code.detail))
        if let original = recipient.originalRecipient {
            status.originalRecipient = TypedText(type: original.addressType, original.address)
        }
        if item.diagnosis.reply != nil, let host = plan.host?.publicName { status.remoteMTA = .dns(host) }
        if let reply = item.diagnosis.reply { status.diagnosticCode = .smtp(reply.description) }
        if let time = plan.lastAttempt { status.lastAttemptDate = DateTime(time) }
        if case .delayed(let until) = plan.purpose { status.willRetryUntil = DateTime(until) }
        return status
    }
}

extension QueueSettings {
    /// Who notifications are from: an address of this host, so that answers reach a person.
    var sender: EmailAddress {
        if let reportAuthor { return reportAuthor }
        return (try? EmailAddress(localPart: "MAILER-DAEMON", host: .domain(hostName))) ?? postmaster
    }
}

import Events
import MessageFormat
import Ports
import SMTP

/// What a notification says to people.
struct ReportWords {
    let subject: String
    let text: String

    init(plan: ReportPlan, original: AcceptedMessage, settings: QueueSettings, returned: [UInt8]?) {
        let template: DSNTemplate
        switch plan.purpose {
        case .failed: template = settings.templates.failed
        case .delayed: template = settings.templates.delayed
        case .success: template = settings.templates.success
        case .doubleBounce: template = settings.templates.doubleBounce
        }
        let values = ReportWords.values(plan, original, settings, returned)
        subject = DSNTemplate.substitute(template.subject) { values[$0] }
        text = DSNTemplate.substitute(template.text) { values[$0] }
    }

    private static func values(_ plan: ReportPlan, _ original: AcceptedMessage, _ settings: QueueSettings,
                               _ returned: [UInt8]?) -> [String: String] {
        let envelope = original.envelope
        let addresses = plan.recipients.map { envelope.recipients[Int($0)].address.unicode }
        var values = [
            "host": settings.hostName.unicode,
            "postmaster": settings.postmaster.unicode,
            "sender": envelope.reversePath.address?.unicode ?? "<>",
            "recipient": (addresses.first ?? "") + (addresses.count > 1 ? " and \(addresses.count - 1) more" : ""),
            "recipients": plan.items.map { paragraph($0, plan, envelope) }.joined(separator: "\n\n"),
            "count": addresses.count == 1 ? "the recipient below" : "the \(addresses.count) recipients below",
            "id": original.id.description,
            "arrival": DateTime.wire(envelope.arrival),
            "date": plan.lastAttempt.map(DateTime.wire) ?? DateTime.wire(envelope.arrival),
            "original_subject": "",
        ]
        if case .delayed(let until) = plan.purpose { values["retry_until"] = DateTime.wire(until) }
        if let returned, let section = try? HeaderSection(scanning: returned),
           let field = section.first(.subject, in: returned.span) {
            values["original_subject"] = "Subject: " + String(section.text(of: field, in: returned.span).prefix(200)) + "\n"
        }
        return values
    }

    private static func paragraph(_ item: ReportPlan.Item, _ plan: ReportPlan, _ envelope: Envelope) -> String {
        let recipient = envelope.recipients[Int(item.recipient)]
        var lines = ["<\(recipient.address.unicode)>"]
        if let original = recipient.originalRecipient, original.address != recipient.address.description {
            lines[0] += " (sent to <\(original.address)>)"
        }
        lines[0] += ":"
        lines.append("    " + summary(item))
        if !item.diagnosis.explanation.isEmpty { lines.append("    " + item.diagnosis.explanation) }
        if let reply = item.diagnosis.reply {
            lines.append("    \(plan.host?.publicText ?? "The mail server") said:")
            for line in reply.lines { lines.append("        \(prefix(reply))\(line)") }
        } else if let host = plan.host?.publicName {
            lines.append("    Host: \(host)")
        }
        if let time = plan.lastAttempt { lines.append("    Time: \(DateTime.wire(time))") }
        return lines.joined(separator: "\n")
    }

    private static func prefix(_ reply: Reply) -> String {
        if let status = reply.enhanced { "\(reply.code) \(status) " } else { "\(reply.code) " }
    }

    private static func summary(_ item: ReportPlan.Item) -> String {
        switch item.action {
        case .delivered: return "The message was delivered."
        case .relayed: return "The message was passed on to a mail system that sends no reports of success."
        case .expanded: return "The message was delivered to a list or group and passed on to its members."
        case .failed, .delayed: break
        }
        switch item.diagnosis.bounceClass {
        case .unknownMailbox: return "There is no mailbox with this address."
        case .unknownDomain: return "The domain of this address does not exist or takes no mail."
        case .mailboxFull: return "The mailbox is full."
        case .mailboxDisabled: return "The mailbox cannot be used at present."
        case .messageTooLarge: return "The message is too large for the recipient's mail system."
        case .policy: return "The recipient's mail system refused the message by its rules."
        case .reputation: return "The recipient's mail system took the message or its source for spam."
        case .rateLimited: return "The recipient's mail system asked to try again later."
        case .authentication: return "The recipient's mail system could not verify the sender."
        case .network: return "The recipient's mail system could not be reached."
        case .dns: return "The recipient's domain could not be looked up."
        case .tls: return "No encrypted connection could be made, and one is required."
        case .protocol: return "The recipient's mail system cannot take a message of this kind."
        case .loop: return "The message went in circles."
        case .system: return "The recipient's mail system is out of order."
        case .operatorRequest: return "An operator of this mail system ended the delivery."
        case .unclassified:
            return item.action == .failed ? "The message could not be delivered." : "The message could not be delivered yet."
        }
    }
}

extension RemoteHost {
    /// The name as the world may know it; nil for what is within this machine, a directory or a socket.
    var publicName: String? {
        switch endpoint {
        case .ip: name
        case .unix: nil
        case nil: name.contains("/") ? nil : name
        }
    }

    /// The name and the address.
    fileprivate var publicText: String? {
        guard case .ip(let address, _) = endpoint, name != address.description else { return publicName }
        return "\(name) [\(address)]"
    }
}

import Events
import Logging
import MailQueue
import MessageFormat
import Receiving
import Ports
import SMTP

/// Puts what happens to messages and on the receiving side into the log, one line an event.
final class MailLog: QueueObserver, ReceivingObserver {
    private let sink: LogSink
    private let logger: Logger
    private let clock: @Sendable () -> Timestamp

    /// A mail log that writes lines of level `info` into `sink` and alerts through `logger`.
    init(sink: LogSink, logger: Logger, clock: @escaping @Sendable () -> Timestamp) {
        self.sink = sink
        self.logger = logger
        self.clock = clock
    }

    func recorded(_ event: MailEvent, envelope: Envelope?) {
        guard logger.logLevel <= .info else { return }
        sink.append(event, envelope: envelope)
    }

    func alert(_ alert: QueueAlert) { logger.error("alert", metadata: ["text": "\(alert.text)"]) }

    func noted(_ occurrence: ReceivingOccurrence, client: ClientIdentity, listener: String) {
        switch occurrence {
        case .connected: note(.debug, "connected", client, listener, [])
        case .disconnected(let reason, let messages, let findings):
            // What was seen of a client that left a message is in the event of the message.
            note(findings.isEmpty || messages > 0 ? .debug : .info, "disconnected", client, listener,
                 [EventField("messages", .number(Int64(messages)))] + (reason.map { [EventField("reason", .text("\($0)"))] } ?? []) + findings.eventFields)
        case .refused(let reply, let command, let rule):
            note(.info, "refused", client, listener,
                 command.fields + [reply.field] + (rule.map { [EventField("rule", .text($0.rule)), EventField("saw", .text($0.saw))] } ?? []))
        case .messageRefused(let reply, let command):
            note(.info, "message-refused", client, listener,
                 [EventField("sender", .text(command.reversePath.description)), reply.field])
        case .tlsFailed(let failure):
            note(.info, "tls-failed", client, listener, [EventField("reason", .text(failure.description))])
        case .authenticated(let account, let mechanism):
            note(.info, "authenticated", client, listener,
                 [EventField("account", .text(account.name)), EventField("mechanism", .text(mechanism))]
                     + (account.appPassword.map { [EventField("app_password", .text($0))] } ?? []))
        case .authenticationFailed(let name, let mechanism):
            note(.warning, "authentication-failed", client, listener,
                 (name.map { [EventField("account", .text($0))] } ?? []) + [EventField("mechanism", .text(mechanism))])
        case .authenticationUnavailable(let mechanism):
            note(.error, "authentication-unavailable", client, listener, [EventField("mechanism", .text(mechanism))])
        case .senderMismatch(let mismatch, let check):
            note(.warning, "sender-mismatch", client, listener, mismatch.fields + [EventField("check", .text("\(check)"))])
        case .notProxied: note(.warning, "not-proxied", client, listener, [])
        }
    }

    private func note(_ level: Logger.Level, _ event: String, _ client: ClientIdentity, _ listener: String, _ more: [EventField]) {
        guard logger.logLevel <= level else { return }
        sink.append([
            EventField("time", .text(DateTime.rfc3339(clock()))), EventField("event", .text(event)),
            EventField("client", .text(client.address?.description ?? client.endpoint.description)),
            EventField("listener", .text(listener)),
        ] + more)
    }
}

extension Reply {
    /// The reply in one field.
    fileprivate var field: EventField {
        EventField("reply", .text("\(code) \(enhanced.map { "\($0) " } ?? "")\(lines.joined(separator: " "))"))
    }
}

extension SenderMismatch {
    fileprivate var fields: [EventField] {
        [EventField("account", .text(account)), EventField("place", .text(place == .author ? "From" : "MAIL"))]
            + (address.map { [EventField("sender", .text($0.description))] } ?? [])
    }
}

extension RefusedCommand {
    fileprivate var fields: [EventField] {
        switch self {
        case .connection: [EventField("command", .text("connect"))]
        case .hello: [EventField("command", .text("hello"))]
        case .mail(let command): [EventField("command", .text("MAIL")), EventField("sender", .text(command.reversePath.description))]
        case .recipient(let command): [EventField("command", .text("RCPT")), EventField("recipient", .text(command.forwardPath.description))]
        }
    }
}

import Events
import MailQueue
import Receiving

/// Hands what happens in the queue to the log, and to the rules that judge accounts by their bounces.
final class QueueWatch: QueueObserver {
    private let log: MailLog
    private let engine: PolicyEngine

    init(_ log: MailLog, _ engine: PolicyEngine) {
        self.log = log
        self.engine = engine
    }

    func recorded(_ event: MailEvent, envelope: Envelope?) {
        log.recorded(event, envelope: envelope)
        engine.recorded(event, envelope: envelope)
    }

    func alert(_ alert: QueueAlert) { log.alert(alert) }
}

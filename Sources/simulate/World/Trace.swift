import Events
import MailQueue
import MessageFormat
import Ports
import SMTP
import Storage

/// Tells a history as it happens, line by line, for whoever wants to know why a seed is broken.
final class Trace: QueueObserver, @unchecked Sendable {
    private let now: () -> Timestamp
    private let start: Timestamp

    init(start: Timestamp, now: @escaping () -> Timestamp) {
        self.start = start
        self.now = now
    }

    /// Prints what happened, with the milliseconds since the beginning.
    func say(_ what: String) { print("\((now() - start).clampedNanoseconds / 1_000_000) ms: \(what)") }

    /// Tells what a start takes from the log.
    func replayed(_ item: RecoveryItem) {
        switch item {
        case .checkpoint(let chunk): say("replayed: a checkpoint's chunk of \(chunk.count) bytes")
        case .record(let record):
            let place = record.position.map { "\($0)" } ?? "an archive"
            say("replayed: \(record.lsn), kind \(record.kind), message \(QueueID(rawValue: record.messageKey)), at \(place)")
        }
    }

    func recorded(_ event: MailEvent, envelope: Envelope?) {
        say(String(decoding: TextLine.fields(event.fields(envelope: envelope)), as: UTF8.self))
    }

    func alert(_ alert: QueueAlert) { say(alert.text) }
}

import Events
import Logging
import MessageFormat
import Ports

/// How log lines look.
enum LogFormat: String, Sendable {
    /// One JSON object a line.
    case json
    /// `name=value` by `name=value`, for people.
    case text

    /// The fields as one line with its LF; whatever they hold is escaped.
    func line(_ fields: [EventField]) -> [UInt8] {
        var line = switch self {
        case .json: JSONLine.object(fields)
        case .text: TextLine.fields(fields)
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    /// Appends the event as one line with its LF; whatever it holds is escaped.
    func append(_ event: MailEvent, envelope: Envelope?, to bytes: inout [UInt8]) {
        switch self {
        case .json: JSONLine.append(event, envelope: envelope, to: &bytes)
        case .text: TextLine.append(event, envelope: envelope, to: &bytes)
        }
        bytes.append(UInt8(ascii: "\n"))
    }
}

/// swift-log's back end: one line an entry, in the words and into the sink that mail events use too.
struct LineLogHandler: LogHandler {
    let sink: LogSink
    let clock: @Sendable () -> Timestamp
    var metadata: Logger.Metadata = [:]
    private var ownLevel: Logger.Level?

    /// A back end that writes into `sink`, with the times of `clock`.
    init(sink: LogSink, clock: @escaping @Sendable () -> Timestamp) {
        self.sink = sink
        self.clock = clock
    }

    /// The level of the sink, which a reload may change, unless a logger was given one of its own.
    var logLevel: Logger.Level {
        get { ownLevel ?? sink.level }
        set { ownLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = [
            EventField("time", .text(DateTime.rfc3339(clock()))),
            EventField("level", .text(event.level.rawValue)),
            EventField("event", .text(event.message.description)),
        ]
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        for (name, value) in all.sorted(by: { $0.key < $1.key }) { fields.append(EventField(name, .text(value.description))) }
        sink.append(fields)
    }
}

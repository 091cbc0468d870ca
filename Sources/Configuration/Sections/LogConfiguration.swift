/// What is written to standard output.
public struct LogConfiguration: Hashable, Sendable {
    /// How a line looks.
    public enum Format: String, Hashable, Sendable, CaseIterable {
        /// One JSON object.
        case json
        /// Words for people.
        case text
    }

    /// How much is written.
    public enum Level: String, Hashable, Sendable, CaseIterable {
        /// Everything, dialogs included.
        case trace
        /// What helps to find mistakes.
        case debug
        /// What happens to messages.
        case info
        /// What an operator may want to change.
        case notice
        /// What may go wrong soon.
        case warning
        /// What went wrong.
        case error
    }

    /// How a line looks.
    public var format = Format.text
    /// How much is written.
    public var level = Level.info

    /// The documented defaults.
    public init() {}

    static var keys: [Key<LogConfiguration>] { [
        .value("format", \.format, .choice, "`text` for people, `json` for programs: one object a line, with the same words."),
        .value("level", \.level, .choice, "How much is written; `info` has one line for every event of a message."),
    ] }
}

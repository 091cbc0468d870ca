/// What a command asks the daemon: one line of JSON, such as `{"command":"list","limit":50}`.
public enum ControlRequest: Hashable, Sendable {
    /// How the daemon is.
    case status
    /// Which messages wait.
    case list(ListArguments)
    /// How many wait, by destination and age.
    case summary(SummaryArguments)
    /// Everything about one message.
    case show(ShowArguments)
    /// Do something to messages.
    case operate(OperateArguments)
    /// What happened to a message, or to the messages of an address.
    case trace(TraceArguments)
    /// Put a changed configuration file in force.
    case reload
    /// Try everything now.
    case flush

    /// Longest line of a request, its end included.
    public static let maxLineLength = 256 * 1024
}

/// The arguments of `list`.
public struct ListArguments: Codable, Hashable, Sendable {
    /// Which messages.
    public var filter: FilterArguments
    /// How many at most.
    public var limit: Int
    /// Where to go on: `next` of the page before.
    public var after: UInt32?
    /// Whether the recipients are told by name.
    public var recipients: Bool

    /// A page of messages that pass `filter`.
    public init(filter: FilterArguments = FilterArguments(), limit: Int = 100, after: UInt32? = nil, recipients: Bool = true) {
        self.filter = filter
        self.limit = limit
        self.after = after
        self.recipients = recipients
    }

    /// Messages on one page, at most.
    public static let maxLimit = 1000
}

/// The arguments of `summary`.
public struct SummaryArguments: Codable, Hashable, Sendable {
    /// The ages that separate the columns, in seconds, rising.
    public var bounds: [Int64]

    /// The columns of qshape: 5, 10, 20 … 1280 minutes.
    public init(bounds: [Int64] = (0..<9).map { 300 << $0 }) { self.bounds = bounds }

    /// Columns at most.
    public static let maxBounds = 24
}

/// The arguments of `show`.
public struct ShowArguments: Codable, Hashable, Sendable {
    /// The queue id.
    public var id: String

    /// The message of this id.
    public init(id: String) { self.id = id }
}

/// The arguments of `operate`.
public struct OperateArguments: Codable, Hashable, Sendable {
    /// `hold`, `release`, `retry`, `bounce` or `remove`.
    public var operation: String
    /// To which messages; a filter without a condition must say `all`.
    public var filter: FilterArguments
    /// Only tell what would be done.
    public var dryRun: Bool
    /// Whether a line is to come after each group of messages, where there are several.
    public var progress: Bool?

    /// An operation on the messages that pass `filter`.
    public init(operation: String, filter: FilterArguments, dryRun: Bool = false, progress: Bool? = nil) {
        self.operation = operation
        self.filter = filter
        self.dryRun = dryRun
        self.progress = progress
    }
}

/// The arguments of `trace`.
public struct TraceArguments: Codable, Hashable, Sendable {
    /// A queue id or an address.
    public var subject: String
    /// Messages of an address at most, newest first.
    public var limit: Int

    /// A trace of a message, or of the last messages of an address.
    public init(subject: String, limit: Int = 20) {
        self.subject = subject
        self.limit = limit
    }

    /// Messages at most.
    public static let maxLimit = 200
}

extension ControlRequest: Codable {
    private enum CodingKeys: String, CodingKey { case command }

    private enum Command: String, Codable {
        case status, list, summary, show, operate, trace, reload, flush
    }

    public init(from decoder: any Decoder) throws {
        switch try decoder.container(keyedBy: CodingKeys.self).decode(Command.self, forKey: .command) {
        case .status: self = .status
        case .list: self = .list(try ListArguments(from: decoder))
        case .summary: self = .summary(try SummaryArguments(from: decoder))
        case .show: self = .show(try ShowArguments(from: decoder))
        case .operate: self = .operate(try OperateArguments(from: decoder))
        case .trace: self = .trace(try TraceArguments(from: decoder))
        case .reload: self = .reload
        case .flush: self = .flush
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .status: try container.encode(Command.status, forKey: .command)
        case .list(let arguments):
            try container.encode(Command.list, forKey: .command)
            try arguments.encode(to: encoder)
        case .summary(let arguments):
            try container.encode(Command.summary, forKey: .command)
            try arguments.encode(to: encoder)
        case .show(let arguments):
            try container.encode(Command.show, forKey: .command)
            try arguments.encode(to: encoder)
        case .operate(let arguments):
            try container.encode(Command.operate, forKey: .command)
            try arguments.encode(to: encoder)
        case .trace(let arguments):
            try container.encode(Command.trace, forKey: .command)
            try arguments.encode(to: encoder)
        case .reload: try container.encode(Command.reload, forKey: .command)
        case .flush: try container.encode(Command.flush, forKey: .command)
        }
    }
}

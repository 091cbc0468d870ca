import Events
import MailQueue

/// The answer to `summary`: waiting recipients' entries by destination and age, as qshape shows them.
public struct QueueSummary: Codable, Hashable, Sendable {
    /// The ages that separate the columns, in seconds; one more column holds what is older.
    public var bounds: [Int64]
    /// One row for each destination, the fullest first.
    public var rows: [SummaryRow]

    init(_ shapes: [DestinationShape], bounds: [Int64]) {
        self.bounds = bounds
        rows = shapes.map { SummaryRow($0) }.sorted { ($1.total, $0.destination) < ($0.total, $1.destination) }
    }
}

/// One destination of a summary.
public struct SummaryRow: Codable, Hashable, Sendable {
    /// The domain, or the route where it has a next hop of its own.
    public var destination: String
    /// The site, once it is known.
    public var site: String?
    /// All of its entries.
    public var total: Int
    /// Entries by age.
    public var counts: [Int]

    init(_ shape: DestinationShape) {
        destination = shape.destination.domain.isEmpty ? shape.site?.description ?? shape.destination.description : shape.destination.domain
        site = shape.site?.description
        total = shape.counts.reduce(0, +)
        counts = shape.counts
    }
}

/// The answer to `operate`.
public struct OperationReport: Codable, Hashable, Sendable {
    /// What was asked for.
    public var operation: String
    /// Whether nothing was done but telling.
    public var dryRun: Bool
    /// How many messages it concerned.
    public var count: Int
    /// The first thousand of them.
    public var messages: [String]
    /// Messages left alone because they were being delivered.
    public var busy: Int
    /// Messages whose change could not be recorded.
    public var failed: Int

    init(_ operation: QueueOperation, _ mode: OperationMode, _ result: OperationResult) {
        self.operation = operation.rawValue
        dryRun = mode == .dryRun
        count = result.count
        messages = result.messages.map(\.description)
        busy = result.busy
        failed = result.failed
    }
}

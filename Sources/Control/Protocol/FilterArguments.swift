import Events
import MailQueue

/// Which messages a request means; everything that is given must hold.
public struct FilterArguments: Codable, Hashable, Sendable {
    /// These queue ids only.
    public var ids: [String]?
    /// The reverse-path: an address, `@domain`, or `<>`.
    public var sender: String?
    /// The account that submitted the message.
    public var account: String?
    /// A recipient that still waits: an address or `@domain`.
    public var recipient: String?
    /// The site, or a host within it.
    public var site: String?
    /// `resolving`, `deferred`, `ready`, `delivering`, `settling` or `held`.
    public var state: String?
    /// Accepted at least this many seconds ago.
    public var olderThan: Int64?
    /// Accepted at most this many seconds ago.
    public var youngerThan: Int64?
    /// Text within the last reply.
    public var lastReply: String?
    /// Every message: has to be said where nothing else is.
    public var all: Bool?

    /// The filter that every message passes.
    public init() {}

    /// Ids in one request at most.
    public static let maxIDs = 10_000

    /// Whether no condition is given.
    public var isUnconditional: Bool {
        ids == nil && sender == nil && account == nil && recipient == nil && site == nil && state == nil && olderThan == nil
            && youngerThan == nil && lastReply == nil
    }

    /// The filter for the queue; the error says which value is wrong and what is expected.
    public func queueFilter() throws(ControlFailure) -> QueueFilter {
        var filter = QueueFilter()
        if let ids {
            guard ids.count <= FilterArguments.maxIDs else {
                throw ControlFailure(.badRequest, "more than \(FilterArguments.maxIDs) ids")
            }
            var parsed: [QueueID] = []
            for text in ids { parsed.append(try FilterArguments.queueID(text)) }
            filter.ids = parsed
        }
        if let sender { filter.sender = try pattern(sender, "sender", "an address, @domain or <>") }
        if let recipient { filter.recipient = try pattern(recipient, "recipient", "an address or @domain") }
        filter.account = account
        filter.site = site
        if let state {
            guard let known = WaitingState(rawValue: state) else {
                let names = WaitingState.allCases.map(\.rawValue).joined(separator: ", ")
                throw ControlFailure(.badRequest, "state “\(state)”: expected one of \(names)")
            }
            filter.state = known
        }
        filter.olderThan = try age(olderThan, "olderThan")
        filter.youngerThan = try age(youngerThan, "youngerThan")
        filter.lastReply = lastReply
        return filter
    }

    /// The queue id in `text`.
    public static func queueID(_ text: String) throws(ControlFailure) -> QueueID {
        guard let id = QueueID(text) else {
            throw ControlFailure(.badRequest, "“\(text.prefix(80))” is no queue id: expected \(QueueID.textLength) letters and digits")
        }
        return id
    }

    private func pattern(_ text: String, _ name: String, _ expected: String) throws(ControlFailure) -> AddressPattern {
        guard let pattern = AddressPattern(text) else {
            throw ControlFailure(.badRequest, "\(name) “\(text.prefix(80))”: expected \(expected)")
        }
        return pattern
    }

    private func age(_ seconds: Int64?, _ name: String) throws(ControlFailure) -> Duration? {
        guard let seconds else { return nil }
        guard (0...3_155_760_000).contains(seconds) else {
            throw ControlFailure(.badRequest, "\(name): expected seconds between 0 and a hundred years")
        }
        return .seconds(seconds)
    }
}

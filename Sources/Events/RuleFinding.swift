/// What a rule of the receiving side saw in a session, and whether it did anything about it.
public struct RuleFinding: Hashable, Sendable {
    /// What came of what was seen.
    public enum Effect: UInt8, Hashable, Sendable, CaseIterable {
        /// It was noted and nothing else: the rule only logs, or what it saw did not suffice.
        case observed = 0
        /// The rule refused, delayed or held.
        case enforced = 1

        /// The name that logs use.
        public var name: String {
            switch self {
            case .observed: "observed"
            case .enforced: "enforced"
            }
        }
    }

    /// The rule's name: `limit.network-connections`, `dnsLists`, `greylist`.
    public var rule: String
    /// What came of it.
    public var effect: Effect
    /// What the rule saw, for people; may hold the client's own words.
    public var saw: String

    /// Octets of `saw` that are kept.
    public static let maxOctets = 200

    /// A finding; overlong words are cut.
    public init(rule: String, effect: Effect, saw: String) {
        self.rule = rule
        self.effect = effect
        self.saw = RuleFinding.cut(saw)
    }

    /// The longest start of `text` that is not too long and ends between two characters' octets.
    private static func cut(_ text: String) -> String {
        guard text.utf8.count > maxOctets else { return text }
        for length in stride(from: maxOctets, to: maxOctets - 4, by: -1) {
            if let start = String(text.utf8.prefix(length)) { return start }
        }
        return ""
    }

    /// The finding on one line: `dnsLists observed: score 2: zen.example 127.0.0.2`.
    public var description: String { "\(rule) \(effect.name): \(saw)" }
}

extension [RuleFinding] {
    /// The findings as one field of an event; none where there are none.
    public var eventFields: [EventField] {
        isEmpty ? [] : [EventField("rules", .list(map { .text($0.description) }))]
    }
}

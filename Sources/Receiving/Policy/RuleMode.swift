/// What a rule does with what it sees.
public enum RuleMode: String, Hashable, Sendable, CaseIterable {
    /// It acts.
    case enforce
    /// It notes what it would have acted on.
    case log
    /// It does not look.
    case off
}

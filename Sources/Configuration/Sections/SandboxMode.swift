/// Whether the daemon gives up what it does not need.
public enum SandboxMode: String, Hashable, Sendable, CaseIterable {
    /// Where the kernel lets it.
    case auto
    /// Not at all.
    case off
    /// It does not start where the kernel does not let it.
    case require
}

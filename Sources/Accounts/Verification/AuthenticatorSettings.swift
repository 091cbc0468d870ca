import Ports

/// How clients are authenticated.
public struct AuthenticatorSettings: Hashable, Sendable {
    /// Threads that hash passwords.
    public var threads = 2
    /// Tries that may wait for them; further ones get 454.
    public var maxWaiting = 256
    /// How long a password that was right is known to be right; zero to hash it each time.
    public var cacheLifetime = Duration.minutes(1)
    /// Passwords that are known to be right at most.
    public var maxCached = 10_000
    /// How many failures are borne.
    public var throttle = ThrottleSettings()

    /// The documented defaults.
    public init() {}
}

import Ports

/// Finds out who clients are; filled in by whatever knows accounts.
///
/// Callable from any loop. Slow work, such as the hashing of passwords, is never done on the caller's.
public protocol Authenticator: AnyObject, Sendable {
    /// Answers a step; calls `completion` on `loop`, never before it returns.
    func authenticate(_ attempt: AuthenticationAttempt, on loop: any Loop,
                      completion: @escaping @Sendable (AuthenticationAnswer) -> Void)

    /// The exchange of that number has ended without an answer that ends it.
    func abandon(_ exchange: UInt64)
}

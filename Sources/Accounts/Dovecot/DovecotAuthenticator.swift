import Ports
import SMTP

/// Finds out who clients are by asking Dovecot's authentication server; every exchange is led by it.
///
/// One connection serves all exchanges. It is opened when it is first needed, and again when it was lost.
public final class DovecotAuthenticator: Authenticator {
    private let driver: LoopConfined<DovecotDriver>

    /// An authenticator that talks to the socket at `path` from `loop`, as the process of that id.
    public init(socket path: String, processID: Int32, dialer: any Dialer, loop: any Loop, timeout: Duration = .seconds(30),
                throttle: ThrottleSettings = ThrottleSettings()) {
        driver = LoopConfined(DovecotDriver(path: path, processID: processID, dialer: dialer, loop: loop, timeout: timeout, throttle: throttle),
                              to: loop)
    }

    public func authenticate(_ attempt: AuthenticationAttempt, on loop: any Loop,
                             completion: @escaping @Sendable (AuthenticationAnswer) -> Void) {
        driver.loop.execute { [driver] in
            driver.value.take(attempt) { answer in loop.execute { completion(answer) } }
        }
    }

    public func abandon(_ exchange: UInt64) {
        driver.loop.execute { [driver] in driver.value.abandon(exchange) }
    }

    /// Closes the connection.
    public func shutDown() {
        driver.loop.execute { [driver] in driver.value.shutDown() }
    }
}

import Ports

/// One connection to the control socket: a line in, a line out, one at a time.
///
/// While a request is with the backend it does not read, and while its client does not take the
/// answer it serves no other: that is all the memory one client can hold.
public final class ControlSession: ConnectionHandler {
    private let responder: ControlResponder
    private let loop: any Loop
    private var connection: (any Connection)?
    private var input: [UInt8] = []
    private var isBusy = false
    private var idleTimer: LoopTimer?

    /// A client that asks nothing for this long is cut off.
    private static let idleTimeout = Duration.minutes(5)

    /// A session on `loop` that asks `backend`; the handler for `NIOListener` or the simulation.
    public init(backend: any ControlBackend, loop: any Loop) {
        responder = ControlResponder(backend)
        self.loop = loop
    }

    public func opened(_ connection: any Connection) {
        self.connection = connection
        armIdleTimer()
    }

    public func received(_ bytes: UnsafeRawBufferPointer) {
        input.append(contentsOf: bytes)
    }

    public func receivedAll() { serve() }

    public func writable() { serve() }

    public func closed(_ error: ConnectionError?) {
        connection = nil
        idleTimer?.cancel()
    }

    private func serve() {
        guard !isBusy, let connection, !connection.isCongested else { return }
        guard let end = input.firstIndex(of: 0x0a) else {
            if input.count >= ControlRequest.maxLineLength { return refuse("a request has at most \(ControlRequest.maxLineLength) octets") }
            return connection.setReading(true)
        }
        guard end < ControlRequest.maxLineLength else {
            return refuse("a request has at most \(ControlRequest.maxLineLength) octets")
        }
        let line = Array(input[..<end])
        input.removeSubrange(...end)
        answer(line)
    }

    private func answer(_ line: [UInt8]) {
        isBusy = true
        connection?.setReading(false)
        idleTimer?.cancel()
        let session = LoopConfined(self, to: loop)
        responder.respond(to: line, progress: { line in
            session.loop.execute { session.value.progressed(line) }
        }, reply: { response in
            session.loop.execute { session.value.answered(response) }
        })
    }

    // A client that does not take what it is told misses some of it.
    private func progressed(_ line: [UInt8]) {
        guard let connection, !connection.isCongested else { return }
        connection.write(line)
        connection.flush()
    }

    private func answered(_ response: [UInt8]) {
        isBusy = false
        guard let connection else { return }
        connection.write(response)
        connection.flush()
        armIdleTimer()
        serve()
    }

    private func refuse(_ reason: String) {
        input = []
        connection?.write(ControlResponder.failure(ControlFailure(.badRequest, reason)))
        connection?.close()
    }

    private func armIdleTimer() {
        let session = LoopConfined(self, to: loop)
        idleTimer = loop.schedule(at: loop.now + ControlSession.idleTimeout) { session.value.connection?.close() }
    }
}

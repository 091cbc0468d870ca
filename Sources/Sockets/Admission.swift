import NIOCore
import Synchronization

/// Decides whether a listener accepts: not while as many connections as allowed are open, nor right after accepting has failed.
final class Admission: Sendable {
    private struct State {
        var count = 0
        var failures = 0
        var isExhausted = false
        var isPaused = false
        var channel: (any Channel)?
    }
    private let limit: Int
    private let state = Mutex(State())

    /// Without descriptors or memory, accepting fails at once and again at once: the listener waits this long instead.
    private static let pause = TimeAmount.milliseconds(250)

    init(limit: Int) { self.limit = limit }

    /// Connections that are open now.
    var count: Int { state.withLock { $0.count } }

    /// How often accepting has failed.
    var failures: Int { state.withLock { $0.failures } }

    func attach(_ channel: any Channel) { state.withLock { $0.channel = channel } }

    func opened() { update { $0.count += 1 } }

    func closed() { update { $0.count -= 1 } }

    /// Accepting has failed for want of something.
    func failed(on eventLoop: any EventLoop) {
        update {
            $0.failures += 1
            $0.isExhausted = true
        }
        eventLoop.scheduleTask(in: Admission.pause) { self.update { $0.isExhausted = false } }
    }

    private func update(_ change: (inout State) -> Void) {
        let changed: (channel: any Channel, accept: Bool)? = state.withLock { state in
            change(&state)
            let shouldPause = state.isExhausted || state.count >= limit
            guard shouldPause != state.isPaused, let channel = state.channel else { return nil }
            state.isPaused = shouldPause
            return (channel, !shouldPause)
        }
        // Fails only when the listener is closed already.
        if let changed { changed.channel.setOption(.autoRead, value: changed.accept).whenComplete { _ in } }
    }
}

/// Hears in the listening channel that accepting has failed.
final class AcceptFailureHandler: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let admission: Admission

    init(_ admission: Admission) { self.admission = admission }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        admission.failed(on: context.eventLoop)
    }
}

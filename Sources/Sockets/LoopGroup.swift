import NIOCore
import NIOPosix
import Ports

/// The event loops of the process, one thread each, and the clock that they share.
public final class LoopGroup: Sendable {
    /// The loops; the first one may serve as the core loop.
    public let loops: [NIOLoop]
    /// The clock of all loops.
    public let clock: ProcessClock
    let eventLoops: MultiThreadedEventLoopGroup
    private static let anchorInterval = Duration.minutes(1)

    /// Starts `count` loops, at least one, with a clock of their own or that of loops which run already.
    public init(count: Int, clock shared: ProcessClock? = nil) {
        let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: max(1, count))
        let clock = shared ?? ProcessClock()
        self.eventLoops = eventLoops
        self.clock = clock
        loops = eventLoops.makeIterator().map { NIOLoop($0, clock: clock) }
        if let first = loops.first, shared == nil {
            first.execute { LoopGroup.keepAnchored(on: first) }
        }
    }

    /// The loop of the thread that calls, if it is one of these.
    public var current: NIOLoop? { loops.first { $0.isCurrent } }

    /// Stops all loops; `completion` is called on a thread of its own.
    public func shutdown(_ completion: @escaping @Sendable () -> Void) {
        eventLoops.shutdownGracefully { _ in completion() }
    }

    func loop(of eventLoop: any EventLoop) -> NIOLoop? { loops.first { $0.eventLoop === eventLoop } }

    private static func keepAnchored(on loop: NIOLoop) {
        _ = loop.schedule(at: loop.now + anchorInterval) {
            loop.clock.anchor()
            keepAnchored(on: loop)
        }
    }
}

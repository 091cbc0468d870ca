import Glibc
import NIOCore
import NIOPosix
import Ports

/// Takes connections at one endpoint and spreads them over the loops.
public final class NIOListener: Sendable {
    /// Where it listens, with the port that the system chose where port 0 was asked for.
    public let endpoint: SocketEndpoint
    private let file: SocketFile?
    private let channel: EventLoopFuture<any Channel>
    let admission: Admission

    /// Listens at `endpoint`; each connection gets the handler that `accept` makes on the connection's loop.
    ///
    /// Callable from any thread; it does not wait.
    public static func listen(on endpoint: SocketEndpoint, settings: ListenerSettings = ListenerSettings(),
                              group: LoopGroup, accept: @escaping @Sendable (NIOLoop) -> any ConnectionHandler)
        throws(ListenError) -> NIOListener {
        NIOListener(try ListeningSocket(endpoint, settings: settings), settings: settings, group: group, accept: accept)
    }

    /// Listens on a socket that the service manager has bound (`ActivatedSockets`).
    public static func listen(inherited descriptor: Int32, settings: ListenerSettings = ListenerSettings(),
                              group: LoopGroup, accept: @escaping @Sendable (NIOLoop) -> any ConnectionHandler)
        throws(ListenError) -> NIOListener {
        NIOListener(try ListeningSocket(inherited: descriptor, backlog: settings.backlog),
                    settings: settings, group: group, accept: accept)
    }

    /// Number of connections that are open now; callable from any thread.
    public var connectionCount: Int { admission.count }

    /// Stops taking connections; those that are open stay.
    public func close() {
        channel.whenSuccess { $0.close(promise: nil) }
        file?.remove()
    }

    private init(_ socket: consuming ListeningSocket, settings: ListenerSettings, group: LoopGroup,
                 accept: @escaping @Sendable (NIOLoop) -> any ConnectionHandler) {
        endpoint = socket.endpoint
        file = socket.file
        let admission = Admission(limit: max(1, settings.maxConnections))
        self.admission = admission
        let descriptor = socket.release()
        let connectionSettings = settings.connection
        let backlog = settings.backlog
        channel = ServerBootstrap(group: group.eventLoops)
            .serverChannelOption(.maxMessagesPerRead, value: NIOListener.acceptsPerTurn)
            .serverChannelInitializer { channel in
                admission.attach(channel)
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptFailureHandler(admission))
                }
            }
            .childChannelInitializer { channel in
                guard let loop = group.loop(of: channel.eventLoop) else {
                    return channel.eventLoop.makeFailedFuture(ChannelError.inappropriateOperationForState)
                }
                admission.opened()
                let connection = NIOConnection(accept(loop), loop: loop, settings: connectionSettings) { admission.closed() }
                return NIOConnection.install(connection, in: channel, settings: connectionSettings)
            }
            .withBoundSocket(descriptor)
        channel.whenComplete { result in
            switch result {
            // NIO has set a backlog of its own meanwhile.
            case .success: _ = Glibc.listen(descriptor, backlog)
            case .failure: Glibc.close(descriptor)
            }
        }
    }

    private static let acceptsPerTurn: UInt = 16
}

import Glibc
import NIOCore
import NIOPosix
import Ports

/// Opens TCP and Unix connections through NIO.
public final class NIODialer: Dialer {
    private let settings: ConnectionSettings
    private let client: NIOTLSClient?

    /// A dialer for the loops of the process, whose connections speak TLS by `client`; without it they speak none.
    public init(settings: ConnectionSettings = ConnectionSettings(), client: NIOTLSClient? = nil) {
        self.settings = settings
        self.client = client
    }

    /// Connects on `loop`, which must be an `NIOLoop`; the caller must be on it.
    public func dial(_ endpoint: SocketEndpoint, from source: IPAddress?, timeout: Duration, on loop: any Loop,
                     handler: any ConnectionHandler, failed: @escaping (ConnectionError) -> Void) {
        guard let loop = loop as? NIOLoop else { preconditionFailure("an NIO dialer dials on NIO loops") }
        guard let address = endpoint.socketAddress else { return failed(.system(errno: ENAMETOOLONG)) }
        let settings = settings, client = client
        let confined = LoopConfined((handler: handler, failed: failed), to: loop)
        var bootstrap = ClientBootstrap(group: loop.eventLoop)
            .connectTimeout(.nanoseconds(max(1_000_000, timeout.clampedNanoseconds)))
            .channelInitializer { channel in
                let connection = NIOConnection(confined.value.handler, loop: loop, settings: settings, client: client)
                return NIOConnection.install(connection, in: channel, settings: settings)
            }
        if let source {
            guard source.isIPv4 == endpoint.isIPv4 else { return failed(.system(errno: EAFNOSUPPORT)) }
            guard let local = SocketEndpoint.ip(source, port: 0).socketAddress else { return failed(.system(errno: EINVAL)) }
            // The port is chosen at connect: bound early, it could serve one destination only.
            bootstrap = bootstrap
                .channelOption(.ipOption(.init(rawValue: NIODialer.bindAddressNoPort)), value: 1)
                .bind(to: local)
        }
        bootstrap.connect(to: address).whenFailure { confined.value.failed(ConnectionError($0)) }
    }

    /// `ip(7)`: bind to the address alone.
    private static let bindAddressNoPort: CInt = 24
}

extension SocketEndpoint {
    fileprivate var isIPv4: Bool { if case .ip(.v4, _) = self { true } else { false } }
}

extension IPAddress {
    fileprivate var isIPv4: Bool { if case .v4 = self { true } else { false } }
}

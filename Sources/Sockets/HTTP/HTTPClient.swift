import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Ports

/// Looks up the addresses of a host for an `HTTPClient`; nothing found is an empty list.
public typealias HTTPHostLookup = @Sendable (_ host: String, _ loop: any Loop,
                                             _ completion: @escaping @Sendable ([IPAddress]) -> Void) -> Void

/// What an `HTTPClient` trusts and where it goes.
public struct HTTPClientSettings: Sendable {
    /// Files of certificates (PEM) that are trusted instead of the system's; empty: the system's.
    public var trustedCertificateFiles: [String] = []
    /// Whether private, loopback and other reserved addresses may be connected to.
    public var allowsPrivateAddresses = false
    /// How long connecting to one address may take; the next one is tried after it.
    public var connectTimeout = Duration.seconds(10)
    /// Addresses of a host that are tried.
    public var maxAddresses = 4
    /// The product name that is told to servers.
    public var userAgent = "Baton"

    /// The defaults.
    public init() {}
}

/// A small HTTP/1.1 client: one request a connection, no redirections, no cookies, everything bounded.
public final class HTTPClient: Sendable {
    private let settings: HTTPClientSettings
    private let context: NIOSSLContext
    private let lookup: HTTPHostLookup

    /// A client; fails when the trusted certificates cannot be read.
    public init(settings: HTTPClientSettings = HTTPClientSettings(), lookup: @escaping HTTPHostLookup) throws {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        tls.certificateVerification = .fullVerification
        tls.applicationProtocols = ["http/1.1"]
        if !settings.trustedCertificateFiles.isEmpty {
            tls.trustRoots = .certificates(try settings.trustedCertificateFiles.flatMap(NIOSSLCertificate.fromPEMFile))
        }
        context = try NIOSSLContext(configuration: tls)
        self.settings = settings
        self.lookup = lookup
    }

    /// Sends `request` on `loop`, which must be an `NIOLoop` and the caller's; completes once, on `loop`.
    public func send(_ request: HTTPRequest, on loop: any Loop,
                     completion: @escaping @Sendable (Result<HTTPResponse, HTTPClientError>) -> Void) {
        guard let loop = loop as? NIOLoop else { preconditionFailure("an HTTP client works on NIO loops") }
        let exchange = HTTPExchange(request, userAgent: settings.userAgent, loop: loop, completion: completion)
        exchange.start()
        let confined = LoopConfined(exchange, to: loop)
        if let address = IPAddress(request.url.host) { return connect(confined, to: [address], on: loop) }
        lookup(request.url.host, loop) { addresses in
            guard !addresses.isEmpty else { return confined.value.fail(.unresolved(request.url.host)) }
            self.connect(confined, to: addresses, on: loop)
        }
    }

    private func connect(_ exchange: LoopConfined<HTTPExchange>, to addresses: [IPAddress], on loop: NIOLoop) {
        let allowed = settings.allowsPrivateAddresses ? addresses : addresses.filter(\.isPubliclyReachable)
        let host = exchange.value.request.url.host
        guard !allowed.isEmpty else { return exchange.value.fail(.forbiddenAddress(host)) }
        connect(exchange, to: allowed.prefix(settings.maxAddresses), on: loop)
    }

    private func connect(_ exchange: LoopConfined<HTTPExchange>, to addresses: ArraySlice<IPAddress>, on loop: NIOLoop) {
        let url = exchange.value.request.url
        guard !exchange.value.isEnded, let address = addresses.first,
              let target = SocketEndpoint.ip(address, port: url.port).socketAddress else { return }
        let context = context
        let bootstrap = ClientBootstrap(group: loop.eventLoop)
            .connectTimeout(.nanoseconds(max(1_000_000, settings.connectTimeout.clampedNanoseconds)))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if url.scheme == .https {
                        let name = IPAddress(url.host) == nil ? url.host : nil
                        try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
                    }
                    try pipeline.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
                    try pipeline.addHandler(exchange.value.makeHandler())
                }
            }
        bootstrap.connect(to: target).whenFailure { error in
            let rest = addresses.dropFirst()
            if rest.isEmpty {
                exchange.value.fail(.unreachable("\(address): \(ConnectionError(error))"))
            } else {
                self.connect(exchange, to: rest, on: loop)
            }
        }
    }
}

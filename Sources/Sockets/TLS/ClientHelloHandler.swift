import NIOCore
import NIOSSL
import Ports

/// Waits for a client's whole hello, then puts the TLS engine with the right certificate in its place.
///
/// Until then a connection costs a few octets: who only dribbles gets no engine.
final class ClientHelloHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: NIOTLSServer
    private var received = ByteBuffer()
    private var isDone = false
    /// Called with the engine and the name that the client asked for.
    private let chosen: (NIOSSLServerHandler, String?) -> Void

    init(_ server: NIOTLSServer, chosen: @escaping (NIOSSLServerHandler, String?) -> Void) {
        self.server = server
        self.chosen = chosen
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDone else { return }
        var buffer = unwrapInboundIn(data)
        received.writeBuffer(&buffer)
        switch received.withUnsafeReadableBytes({ ClientHello.parse($0) }) {
        case .incomplete:
            if received.readableBytes > ClientHello.maxOctets { fail(context, .handshake("no TLS handshake"), nil) }
        case .invalid:
            fail(context, .handshake("no TLS handshake"), received.first == 22 ? .decodeError : nil)
        case .complete(let hello):
            switch server.choose(hello) {
            case .alert(let alert): fail(context, alert == .noApplicationProtocol ? .noCommonProtocol : .handshake("no such name here"), alert)
            case .context(let tls): begin(context, tls, hello)
            }
        }
    }

    private func begin(_ context: ChannelHandlerContext, _ tls: NIOSSLContext, _ hello: ClientHello) {
        isDone = true
        let engine = NIOSSLServerHandler(context: tls)
        let name: String? = if case .name(let name) = hello.serverName { name } else { nil }
        chosen(engine, name)
        do { try context.pipeline.syncOperations.addHandler(engine, position: .after(self)) } catch {
            return fail(context, .unavailable("the channel is closing"), nil)
        }
        let first = received
        received = ByteBuffer()
        context.fireChannelRead(wrapInboundOut(first))
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func fail(_ context: ChannelHandlerContext, _ failure: TLSFailure, _ alert: TLSAlert?) {
        isDone = true
        received = ByteBuffer()
        if let alert { context.writeAndFlush(wrapOutboundOut(alert.record), promise: nil) }
        context.fireErrorCaught(failure)
    }
}

extension ByteBuffer {
    fileprivate var first: UInt8? { getInteger(at: readerIndex) }
}

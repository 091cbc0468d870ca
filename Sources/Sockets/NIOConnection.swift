import Glibc
import NIOCore
import NIOSSL
import NIOTLS
import Ports

/// A TCP or Unix stream as a `Connection`: one thin handler on an NIO channel.
///
/// The hot path allocates nothing: bytes are handed on from NIO's own read buffer, writes collect in
/// one buffer that the loop's connections share, and leave in one system call at `flush`.
///
/// Back-pressure is lazy. `setReading(false)` costs nothing until bytes do arrive; those are kept
/// and reading stops. The end of the peer's stream counts as input too: it is acted upon when the
/// handler reads, so that a peer that shuts down its side still gets its replies; then the
/// connection ends in order.
final class NIOConnection: ChannelInboundHandler, Connection {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum State {
        case opening
        case open
        /// `close` was called: what was written still leaves, input is dropped.
        case closing
        case closed
    }

    let nioLoop: NIOLoop
    private let settings: ConnectionSettings
    var handler: (any ConnectionHandler)?
    var context: ChannelHandlerContext?
    var state = State.opening
    private var isReading = true
    /// What the channel last said: asking it each time is dear.
    private var isWritable = true
    /// Whether NIO was told not to read.
    private var isAutoReadOff = false
    /// Input that came while reading was off.
    var held: [ByteBuffer] = []
    private var isReleaseScheduled = false
    /// Whether the handler got bytes since it was last told that this was all.
    private var hasHandedOn = false
    private(set) var peerEnded = false
    /// How many calls by the handler into this connection are under way.
    var calls = 0
    private var outgoing = ByteBuffer()
    private var isCollecting = false
    private var error: ConnectionError?
    private var lingerTimer: LoopTimer?
    private var onRemoved: (@Sendable () -> Void)?
    private var drained = 0
    /// Makes the engine where this end is a client.
    let client: NIOTLSClient?
    /// The TLS of the connection; nil while it is in the clear.
    var tls: ConnectionTLS?
    private(set) var peerUserID: UInt32?
    private(set) lazy var localEndpoint = SocketEndpoint(context?.channel.localAddress) ?? .unix(path: "")
    private(set) lazy var remoteEndpoint = SocketEndpoint(context?.channel.remoteAddress) ?? .unix(path: "")

    init(_ handler: any ConnectionHandler, loop: NIOLoop, settings: ConnectionSettings, client: NIOTLSClient? = nil,
         onRemoved: (@Sendable () -> Void)? = nil) {
        self.handler = handler
        nioLoop = loop
        self.settings = settings
        self.client = client
        self.onRemoved = onRemoved
    }

    var loop: any Loop { nioLoop }

    var isCongested: Bool {
        !isWritable || isCollecting && outgoing.readableBytes > settings.congestedAbove
    }

    // MARK: Writing

    func write(_ bytes: [UInt8]) {
        guard state == .open, !bytes.isEmpty else { return }
        collect(bytes.count)
        outgoing.writeBytes(bytes)
    }

    func write(_ bytes: ArraySlice<UInt8>) {
        guard state == .open, !bytes.isEmpty else { return }
        collect(bytes.count)
        outgoing.writeBytes(bytes)
    }

    func flush() {
        guard state == .open || state == .closing, isCollecting, let context else { return }
        calls += 1
        defer { calls -= 1 }
        isCollecting = false
        context.writeAndFlush(wrapOutboundOut(outgoing), promise: nil)
        // Mostly the bytes have left by now, and the next connection that writes can have the memory.
        nioLoop.spareBuffer = outgoing
        outgoing = ByteBuffer()
    }

    /// Largest piece that is worth copying into a buffer which holds something already.
    private static let largePiece = 32 * 1024

    private func collect(_ count: Int) {
        if isCollecting {
            guard count > NIOConnection.largePiece, let context else { return }
            calls += 1
            defer { calls -= 1 }
            // Growing the buffer would copy what it holds; two buffers leave in one gathering write.
            context.write(wrapOutboundOut(outgoing), promise: nil)
            outgoing = context.channel.allocator.buffer(capacity: count)
            return
        }
        isCollecting = true
        if count <= NIOConnection.largePiece, nioLoop.spareBuffer.capacity <= 2 * NIOConnection.largePiece {
            swap(&outgoing, &nioLoop.spareBuffer)
            outgoing.clear()
        }
        outgoing.reserveCapacity(minimumWritableBytes: count)
    }

    // MARK: Reading

    func setReading(_ reading: Bool) {
        guard reading != isReading else { return }
        isReading = reading
        guard reading, state == .open else { return }
        if held.isEmpty, !peerEnded { resumeAutoRead() } else { scheduleRelease() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard state == .open else { return drain(buffer.readableBytes) }
        guard isReading, held.isEmpty else { return hold(buffer) }
        hasHandedOn = true
        buffer.withUnsafeReadableBytes { handler?.received($0) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Told even when the handler has stopped reading meanwhile: it has replies to flush.
        guard hasHandedOn else { return }
        hasHandedOn = false
        if state == .open { handler?.receivedAll() }
    }

    private func hold(_ buffer: ByteBuffer) {
        held.append(buffer)
        if !isAutoReadOff {
            isAutoReadOff = true
            setAutoRead(false)
        }
    }

    func resumeAutoRead() {
        guard isAutoReadOff else { return }
        isAutoReadOff = false
        setAutoRead(true)
    }

    private func setAutoRead(_ on: Bool) {
        // Fails only on a channel that is closed already, which its own notification tells.
        try? context?.channel.syncOptions?.setOption(.autoRead, value: on)
    }

    /// Held input is handed on from the loop, never from within `setReading`: the handler may be in the middle of something.
    private func scheduleRelease() {
        guard !isReleaseScheduled else { return }
        isReleaseScheduled = true
        let connection = LoopConfined(self, to: nioLoop)
        nioLoop.execute { connection.value.release() }
    }

    private func release() {
        isReleaseScheduled = false
        guard state == .open else { return }
        if !held.isEmpty {
            var index = 0
            while index < held.count, isReading, state == .open {
                held[index].withUnsafeReadableBytes { handler?.received($0) }
                index += 1
            }
            held.removeFirst(index)
            if index > 0, state == .open { handler?.receivedAll() }
        }
        guard state == .open, isReading, held.isEmpty else { return }
        if peerEnded { close() } else { resumeAutoRead() }
    }

    // MARK: Ending

    func close() {
        guard state == .open, let context else { return }
        calls += 1
        defer { calls -= 1 }
        flush()
        state = .closing
        held = []
        startLinger()
        if peerEnded {
            guard let pending = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes), pending > 0 else {
                return context.close(promise: nil)
            }
            let connection = LoopConfined(self, to: nioLoop)
            let sent = context.eventLoop.makePromise(of: Void.self)
            sent.futureResult.whenComplete { _ in connection.value.context?.close(promise: nil) }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: sent)
        } else {
            // The peer may still be sending. Closing now would answer that with a reset, which could
            // destroy the last reply on its way: end our side, and wait for the peer to end its own.
            context.close(mode: .output, promise: nil)
            resumeAutoRead()
        }
    }

    func abort() {
        guard state == .open || state == .closing, let context else { return }
        calls += 1
        defer { calls -= 1 }
        state = .closing
        held = []
        if let engine = tls?.engine, let inner = try? context.pipeline.syncOperations.context(handler: engine) {
            // Past the engine, which would first take leave of the peer.
            inner.close(promise: nil)
        } else {
            context.close(promise: nil)
        }
    }

    /// Input after `close` is dropped, but a peer that does not stop sending is not served for long.
    private func drain(_ count: Int) {
        drained += count
        if drained > settings.maxReadBuffer * 16 { abort() }
    }

    private func startLinger() {
        let connection = LoopConfined(self, to: nioLoop)
        lingerTimer = nioLoop.schedule(at: nioLoop.now + settings.lingerTime) { connection.value.abort() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if tls != nil, let event = event as? TLSUserEvent, case .handshakeCompleted(let negotiated) = event {
            return handshakeCompleted(negotiated)
        }
        guard let event = event as? ChannelEvent, event == .inputClosed else {
            return context.fireUserInboundEventTriggered(event)
        }
        if tls?.isHandshaking == true { failTLS(.closed) }
        peerEnded = true
        guard state == .open, isReading, held.isEmpty else { return }
        close()
    }

    // MARK: Life in the channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        onRemoved?()
        onRemoved = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        guard state == .opening else { return }
        state = .open
        _ = localEndpoint
        _ = remoteEndpoint
        if case .unix = remoteEndpoint { readPeerUserID(context.channel) }
        handler?.opened(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        let wasOpened = state != .opening
        let isOrderly = state == .closing || peerEnded
        if tls?.isHandshaking == true { failTLS(.closed) }
        state = .closed
        held = []
        lingerTimer?.cancel()
        lingerTimer = nil
        guard wasOpened else { return handler = nil }
        tell { connection in
            let handler = connection.handler
            connection.handler = nil
            handler?.closed(isOrderly ? nil : connection.error ?? .reset)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        guard state == .open, isWritable else { return }
        tell { connection in
            if connection.state == .open { connection.handler?.writable() }
        }
    }

    /// Tells the handler something, but never from within a call that the handler itself makes.
    func tell(_ message: @escaping @Sendable (NIOConnection) -> Void) {
        guard calls > 0 else { return message(self) }
        let connection = LoopConfined(self, to: nioLoop)
        nioLoop.execute { message(connection.value) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if takeTLSError(error) { return }
        self.error = ConnectionError(error)
        context.close(promise: nil)
    }

    private func readPeerUserID(_ channel: any Channel) {
        guard let provider = channel as? any SocketOptionProvider else { return }
        let connection = LoopConfined(self, to: nioLoop)
        // On its own loop the channel answers at once.
        let credentials: EventLoopFuture<PeerCredentials> = provider.unsafeGetSocketOption(level: .socket, name: .init(rawValue: SO_PEERCRED))
        credentials.whenSuccess { connection.value.peerUserID = $0.userID }
    }

    /// `struct ucred` of `unix(7)`.
    private struct PeerCredentials: Sendable {
        var processID: Int32 = 0
        var userID: UInt32 = .max
        var groupID: UInt32 = .max
    }
}

extension NIOConnection {
    /// Sets the channel up and puts the connection in its pipeline; to be called in the channel's initializer.
    static func install(_ connection: NIOConnection, in channel: any Channel, settings: ConnectionSettings)
        -> EventLoopFuture<Void> {
        do {
            if let options = channel.syncOptions {
                let readBuffer = AdaptiveRecvByteBufferAllocator(
                    minimum: settings.minReadBuffer, initial: settings.minReadBuffer, maximum: settings.maxReadBuffer)
                try options.setOption(.recvAllocator, value: readBuffer)
                try options.setOption(.maxMessagesPerRead, value: UInt(max(1, settings.readsPerTurn)))
                try options.setOption(.allowRemoteHalfClosure, value: true)
                try options.setOption(.writeBufferWaterMark, value: .init(
                    low: max(1, min(settings.writableBelow, settings.congestedAbove)), high: max(1, settings.congestedAbove)))
            }
            try channel.pipeline.syncOperations.addHandler(connection)
            return channel.eventLoop.makeSucceededVoidFuture()
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
    }
}

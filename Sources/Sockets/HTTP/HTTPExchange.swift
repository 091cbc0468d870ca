import NIOCore
import NIOHTTP1
import NIOSSL
import NIOTLS
import Ports

/// One request and what comes of it; confined to its loop.
final class HTTPExchange {
    let request: HTTPRequest
    private let userAgent: String
    private let loop: NIOLoop
    private var completion: ((Result<HTTPResponse, HTTPClientError>) -> Void)?
    private var timer: LoopTimer?
    private weak var handler: HTTPExchangeHandler?

    init(_ request: HTTPRequest, userAgent: String, loop: NIOLoop,
         completion: @escaping (Result<HTTPResponse, HTTPClientError>) -> Void) {
        self.request = request
        self.userAgent = userAgent
        self.loop = loop
        self.completion = completion
    }

    var isEnded: Bool { completion == nil }

    /// Starts the clock.
    func start() {
        let confined = LoopConfined(self, to: loop)
        timer = loop.schedule(at: loop.now + request.timeout) { confined.value.fail(.timedOut) }
    }

    func makeHandler() -> HTTPExchangeHandler {
        let handler = HTTPExchangeHandler(self)
        self.handler = handler
        return handler
    }

    func fail(_ error: HTTPClientError) { finish(.failure(error)) }

    func finish(_ result: Result<HTTPResponse, HTTPClientError>) {
        guard let completion else { return }
        self.completion = nil
        timer?.cancel()
        handler?.close()
        completion(result)
    }

    var head: HTTPRequestHead {
        var fields = HTTPHeaders()
        fields.add(name: "Host", value: request.url.authority)
        fields.add(name: "User-Agent", value: userAgent)
        fields.add(name: "Connection", value: "close")
        if !request.body.isEmpty || request.method == "POST" {
            fields.add(name: "Content-Length", value: String(request.body.count))
        }
        for field in request.fields { fields.add(name: field.name, value: field.value) }
        return HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: request.url.target,
                               headers: fields)
    }
}

/// The end of the pipeline of one exchange: sends the request, collects the response up to its limit.
final class HTTPExchangeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let exchange: HTTPExchange
    private var context: ChannelHandlerContext?
    private var response: HTTPResponse?
    private var isUnderTLS = false

    init(_ exchange: HTTPExchange) { self.exchange = exchange }

    func close() { context?.close(promise: nil) }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        guard !exchange.isEnded else { return context.close(promise: nil) }
        if exchange.request.url.scheme == .http { send(context) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event {
            isUnderTLS = true
            send(context)
        }
    }

    private func send(_ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(exchange.head)), promise: nil)
        if !exchange.request.body.isEmpty {
            let body = context.channel.allocator.buffer(bytes: exchange.request.body)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            let fields = head.headers.map { HTTPRequest.Field($0.name, $0.value) }
            response = HTTPResponse(status: Int(head.status.code), fields: fields)
        case .body(var part):
            let count = response?.body.count ?? 0
            guard part.readableBytes <= exchange.request.maxResponseOctets - count else { return exchange.fail(.tooLarge) }
            response?.body.append(contentsOf: part.readBytes(length: part.readableBytes) ?? [])
        case .end:
            if let response { exchange.finish(.success(response)) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        exchange.fail(.malformed("the connection ended early"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        exchange.fail(classify(error))
        context.close(promise: nil)
    }

    private func classify(_ error: any Error) -> HTTPClientError {
        switch error {
        case is NIOSSLExtraError: return .certificate("it is not one for \(exchange.request.url.host)")
        case let error as NIOSSLError where !isUnderTLS:
            let text = "\(error)"
            return text.contains("CERTIFICATE_VERIFY_FAILED") ? .certificate("no trusted issuer, or out of date") : .handshake(text)
        case let error as HTTPParserError: return .malformed("\(error)")
        case let error as IOError: return .unreachable("\(ConnectionError(error))")
        default: return .malformed(isUnderTLS ? "the connection broke" : "\(type(of: error))")
        }
    }
}

import Ports

/// Answers HTTP-01 challenges (RFC 8555 §8.3): the documents, and the handler of the listener that serves them.
///
/// Confined to the loop of the orders, which must be the loop of the listener's connections too.
public final class HTTPChallengeResponder: ACMEResponder {
    private var documents: [String: String] = [:]
    /// Where the documents are (RFC 8555 §8.3).
    private static let prefix = "/.well-known/acme-challenge/"

    /// A responder without challenges.
    public init() {}

    public func present(_ challenge: ACMEChallenge, completion: @escaping (ACMEError?) -> Void) {
        documents[challenge.token] = challenge.keyAuthorization
        completion(nil)
    }

    public func withdraw(_ challenge: ACMEChallenge) { documents[challenge.token] = nil }

    /// The handler of one connection.
    public func makeHandler(on loop: any Loop) -> any ConnectionHandler { HTTPChallengeSession(self, loop: loop) }

    /// The response to a request line.
    fileprivate func response(to line: some StringProtocol) -> String {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2].hasPrefix("HTTP/1.") else { return HTTPChallengeResponder.response("400 Bad Request", "") }
        guard words[0] == "GET", words[1].hasPrefix(HTTPChallengeResponder.prefix),
              let document = documents[String(words[1].dropFirst(HTTPChallengeResponder.prefix.count))] else {
            return HTTPChallengeResponder.response("404 Not Found", "")
        }
        return HTTPChallengeResponder.response("200 OK", document)
    }

    private static func response(_ status: String, _ content: String) -> String {
        "HTTP/1.1 \(status)\r\nContent-Type: application/octet-stream\r\nContent-Length: \(content.utf8.count)\r\nConnection: close\r\n\r\n\(content)"
    }
}

/// One connection of an ACME server: one request, one response.
private final class HTTPChallengeSession: ConnectionHandler, @unchecked Sendable {
    private let responder: HTTPChallengeResponder
    private let loop: any Loop
    private var connection: (any Connection)?
    private var head: [UInt8] = []
    private var timer: LoopTimer?
    private static let maxHeadOctets = 8192
    private static let timeout = Duration.seconds(10)

    init(_ responder: HTTPChallengeResponder, loop: any Loop) {
        self.responder = responder
        self.loop = loop
    }

    func opened(_ connection: any Connection) {
        self.connection = connection
        timer = loop.schedule(at: loop.now + HTTPChallengeSession.timeout) { self.connection?.abort() }
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        guard let connection else { return }
        head += bytes
        guard head.count <= HTTPChallengeSession.maxHeadOctets else { return connection.abort() }
        let text = String(decoding: head, as: UTF8.self)
        guard text.contains("\r\n\r\n"), let end = text.firstIndex(of: "\r\n") else { return }
        self.connection = nil
        connection.write(Array(responder.response(to: text[..<end]).utf8))
        connection.close()
    }

    func receivedAll() {}
    func writable() {}

    func closed(_ error: ConnectionError?) {
        timer?.cancel()
        connection = nil
    }
}

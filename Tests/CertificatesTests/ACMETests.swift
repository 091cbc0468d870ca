@testable import Certificates
import Glibc
import Ports
import Sockets
import Testing

/// An ACME server of words: it answers each URL with what the test put there.
private final class FakeACME: HTTPSending, @unchecked Sendable {
    struct Posted { let url: String, body: String }
    var answers: [String: [HTTPResponse]] = [:]
    private(set) var posted: [Posted] = []
    private(set) var nonces = 0

    static let base = "https://acme.example"

    init() {
        answer("/directory", #"{"newNonce":"\#(FakeACME.base)/nonce","newAccount":"\#(FakeACME.base)/account","newOrder":"\#(FakeACME.base)/order"}"#)
        answer("/nonce", "")
        answer("/account", "{}", fields: [.init("Location", FakeACME.base + "/account/1")])
        answer("/order", order("pending"), fields: [.init("Location", FakeACME.base + "/order/1")])
        answer("/authorization", authorization("pending"))
        answer("/challenge", "{}")
    }

    func order(_ status: String, more: String = "") -> String {
        #"{"status":"\#(status)","authorizations":["\#(FakeACME.base)/authorization"],"finalize":"\#(FakeACME.base)/finalize"\#(more)}"#
    }

    func authorization(_ status: String, token: String = "abc_DEF-1", error: String = "") -> String {
        #"{"identifier":{"type":"dns","value":"mx.example"},"status":"\#(status)","challenges":[{"type":"http-01","url":"\#(FakeACME.base)/challenge","token":"\#(token)"\#(error)}]}"#
    }

    /// The last answer of a URL repeats.
    func answer(_ path: String, _ body: String, status: Int = 200, fields: [HTTPRequest.Field] = []) {
        answers[FakeACME.base + path, default: []].append(HTTPResponse(status: status, fields: fields, body: Array(body.utf8)))
    }

    func replace(_ path: String, _ body: String, status: Int = 200, fields: [HTTPRequest.Field] = []) {
        answers[FakeACME.base + path] = []
        answer(path, body, status: status, fields: fields)
    }

    func send(_ request: HTTPRequest, on loop: any Loop, completion: @escaping @Sendable (Result<HTTPResponse, HTTPClientError>) -> Void) {
        let url = request.url.description
        if request.method == "POST" { posted.append(Posted(url: url, body: String(decoding: request.body, as: UTF8.self))) }
        guard var left = answers[url], var response = left.first else {
            return loop.execute { completion(.failure(.unreachable(url))) }
        }
        if left.count > 1 { left.removeFirst() }
        answers[url] = left
        nonces += 1
        response.fields.append(.init("Replay-Nonce", "nonce\(nonces)"))
        let answer = response
        loop.execute { completion(.success(answer)) }
    }
}

/// The renewal of `mx.example` with everything around it made of memory, but for the folder.
private final class Bench {
    let loop = VirtualLoop()
    let server = FakeACME()
    let responder = HTTPChallengeResponder()
    let folder: CertificateFolder
    var occurrences: [CertificateRenewal.Occurrence] = []
    private(set) var renewal: CertificateRenewal?

    init() throws {
        var template = Array("/tmp/baton-acme-XXXXXX".utf8CString)
        folder = try CertificateFolder(mkdtemp(&template).map { String(cString: $0) } ?? "/tmp/baton-acme")
    }

    func start() throws {
        let url = try #require(HTTPURL(FakeACME.base + "/directory"))
        let renewal = CertificateRenewal(ACMESettings(directory: url, names: ["mx.example"]), http: server, folder: folder,
                                         responder: responder, random: FixedRandom(), on: loop) { [unowned self] in occurrences.append($0) }
        self.renewal = renewal
        renewal.start()
        loop.run()
    }

    var errors: [ACMEError] { occurrences.compactMap { if case .failed(let error, _) = $0 { error } else { nil } } }
    var waits: [Duration] { occurrences.compactMap { if case .failed(_, let next) = $0 { next - loop.now } else { nil } } }
}

private final class FixedRandom: RandomSource {
    func next() -> UInt64 { 1 << 63 }
}

@Suite("ACME") struct ACMETests {
    @Test("requests are signed with a key that the account is found by, each with a nonce of its own (RFC 8555 §6)") func requests() throws {
        let bench = try Bench()
        bench.server.replace("/authorization", bench.server.authorization("invalid"))
        try bench.start()
        #expect(bench.server.posted.map(\.url).prefix(2) == [FakeACME.base + "/account", FakeACME.base + "/order"])
        #expect(Set(bench.server.posted.map(\.body)).count == bench.server.posted.count)
        let pem = try #require(bench.folder.secret("acme-account"))
        let key = ACMEAccountKey(pem: pem)
        #expect(key?.thumbprint.utf8.count == 43)
    }

    @Test("base64url has no padding (RFC 4648 §5, RFC 7515 appendix C)") func base64URL() {
        #expect(Base64URL.encode([3, 236, 255, 224, 193]) == "A-z_4ME")
        #expect(Base64URL.encode([]) == "")
        #expect(Base64URL.encode([0xff]) == "_w")
    }

    @Test("a nonce that the server no longer knows is replaced, a few times") func badNonce() throws {
        let bench = try Bench()
        let problem = #"{"type":"urn:ietf:params:acme:error:badNonce","detail":"old"}"#
        bench.server.replace("/account", problem, status: 400)
        bench.server.answer("/account", "{}", fields: [.init("Location", FakeACME.base + "/account/1")])
        bench.server.replace("/order", problem, status: 400)
        try bench.start()
        #expect(bench.server.posted.filter { $0.url.hasSuffix("/account") }.count == 2)
        #expect(bench.server.posted.filter { $0.url.hasSuffix("/order") }.count == 4)
        #expect(bench.errors == [.problem(type: "badNonce", detail: "old", retryAfter: nil)])
    }

    @Test("the answer to a challenge can be seen while it is open, and not afterwards") func challenge() throws {
        let bench = try Bench()
        try bench.start()
        let connection = FakeStream()
        let handler = bench.responder.makeHandler(on: bench.loop)
        handler.opened(connection)
        Array("GET /.well-known/acme-challenge/abc_DEF-1 HTTP/1.1\r\nHost: mx.example\r\n\r\n".utf8).withUnsafeBytes { handler.received($0) }
        let pem = try #require(bench.folder.secret("acme-account"))
        let key = try #require(ACMEAccountKey(pem: pem))
        #expect(String(decoding: connection.written, as: UTF8.self).hasSuffix("\r\n\r\nabc_DEF-1.\(key.thumbprint)"))
        bench.server.replace("/authorization", bench.server.authorization(
            "invalid", error: #","error":{"type":"urn:ietf:params:acme:error:unauthorized","detail":"no\nluck"}"#))
        bench.loop.advance(by: .seconds(5))
        #expect(bench.errors == [.challenge(name: "mx.example", "unauthorized: no?luck")])
        let second = FakeStream()
        let other = bench.responder.makeHandler(on: bench.loop)
        other.opened(second)
        Array("GET /.well-known/acme-challenge/abc_DEF-1 HTTP/1.1\r\n\r\n".utf8).withUnsafeBytes { other.received($0) }
        #expect(String(decoding: second.written, as: UTF8.self).hasPrefix("HTTP/1.1 404"))
    }

    @Test("a token that is no token is not answered", arguments: ["", "../../etc/passwd", "a b", "a/b"]) func token(text: String) throws {
        let bench = try Bench()
        bench.server.replace("/authorization", bench.server.authorization("pending", token: text))
        try bench.start()
        #expect(bench.errors == [.challenge(name: "mx.example", "the server offers no http-01")])
    }

    @Test("failures are tried again after waits that double, never sooner than the server says") func backOff() throws {
        let bench = try Bench()
        bench.server.replace("/order", #"{"type":"urn:ietf:params:acme:error:rejectedIdentifier"}"#, status: 403)
        try bench.start()
        #expect(bench.waits == [.hours(1)])
        bench.loop.advance(by: .hours(1))
        #expect(bench.errors.count == 2)
        #expect(bench.waits.last == .hours(2))
        bench.server.replace("/order", #"{"type":"urn:ietf:params:acme:error:rateLimited"}"#, status: 429, fields: [.init("Retry-After", "200000")])
        bench.loop.advance(by: .hours(2))
        #expect(bench.waits.last == .seconds(200_000))
    }

    @Test("an order that never comes to an end is given up") func endless() throws {
        let bench = try Bench()
        try bench.start()
        bench.loop.advance(by: .minutes(11))
        #expect(bench.errors == [.timedOut])
    }

    @Test("a server that answers nonsense is an error, not a certificate", arguments: ["", "[]", "{}", "\u{0}", #"{"newNonce":1}"#])
    func nonsense(text: String) throws {
        let bench = try Bench()
        bench.server.replace("/directory", text)
        try bench.start()
        #expect(bench.errors == [.malformed("directory")])
    }

    @Test("a certificate that still lasts is not ordered again until it is time") func lasting() throws {
        let bench = try Bench()
        let certificate = try SelfSignedCertificate.make(for: "mx.example", at: bench.loop.now)
        try bench.folder.keep(certificate, as: CertificateRenewal.certificateName)
        try bench.start()
        bench.loop.advance(by: .days(10))
        #expect(bench.server.posted.isEmpty)
        bench.loop.advance(by: .days(3615))
        #expect(!bench.server.posted.isEmpty)
    }

    @Test("an order is for a chain that fits the key and the names") func wrongChain() throws {
        let bench = try Bench()
        bench.server.replace("/authorization", bench.server.authorization("valid"))
        bench.server.answer("/finalize", bench.server.order("valid", more: #","certificate":"\#(FakeACME.base)/certificate""#))
        let other = try SelfSignedCertificate.make(for: "mx.example", at: bench.loop.now)
        bench.server.answer("/certificate", String(decoding: other.chain, as: UTF8.self))
        try bench.start()
        #expect(bench.errors == [.malformed("certificate for our key")])
        bench.server.replace("/certificate", "-----BEGIN")
        bench.loop.advance(by: .hours(1))
        #expect(bench.errors.last == .malformed("certificate for our names"))
    }
}

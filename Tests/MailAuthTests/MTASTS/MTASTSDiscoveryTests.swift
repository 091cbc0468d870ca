import DNS
import MailAuth
import Ports
import Synchronization
import Testing

/// A web server made of a dictionary.
private final class FakeGetter: HTTPSGetting {
    let answer = Mutex<Result<HTTPSDocument, HTTPSFailure>>(.failure(HTTPSFailure(isCertificate: false, "no server")))
    let hosts = Mutex<[String]>([])

    func get(host: String, path: String, maxOctets: Int, timeout: Duration, on loop: any Loop,
             completion: @escaping @Sendable (Result<HTTPSDocument, HTTPSFailure>) -> Void) {
        hosts.withLock { $0.append(host + path) }
        let answer = answer.withLock { $0 }
        loop.execute { completion(answer) }
    }

    func serve(_ text: String, status: Int = 200, type: String? = "text/plain") {
        answer.withLock { $0 = .success(HTTPSDocument(status: status, contentType: type, body: Array(text.utf8))) }
    }

    func fail(isCertificate: Bool = false) {
        answer.withLock { $0 = .failure(HTTPSFailure(isCertificate: isCertificate, "broken")) }
    }

    var count: Int { hosts.withLock { $0.count } }
}

private final class MemoryFile: StateFile {
    var content: [UInt8]?
    func read() -> [UInt8]? { content }
    func write(_ content: [UInt8]) { self.content = content }
}

@Suite("MTA-STS discovery")
struct MTASTSDiscoveryTests {
    private let loop = TestLoop(now: Timestamp(seconds: 1_790_000_000))
    private let getter = FakeGetter()
    private let resolver = ZoneResolver(Zone(), timeToLive: .seconds(1))
    private let file = MemoryFile()
    private static let enforce = "version: STSv1\nmode: enforce\nmx: *.a.example\nmax_age: 604800\n"

    private func discovery(_ change: (inout MTASTSSettings) -> Void = { _ in }) -> MTASTSDiscovery {
        var settings = MTASTSSettings()
        change(&settings)
        return MTASTSDiscovery(loop: loop, resolver: resolver, getter: getter, file: file, settings: settings)
    }

    private func publish(_ id: String?) {
        resolver.zone = id.map { Zone(["_mta-sts.a.example": .init([.txt(Array("v=STSv1; id=\($0);".utf8))])]) } ?? Zone()
    }

    private func find(_ discovery: MTASTSDiscovery) -> MTASTSFinding? {
        let found = Mutex<MTASTSFinding?>(nil)
        discovery.find("a.example") { finding in found.withLock { $0 = finding } }
        loop.run()
        return found.withLock { $0 }
    }

    @Test("a domain without a record has no policy, and nothing is fetched")
    func none() {
        #expect(find(discovery()) == MTASTSFinding())
        #expect(getter.count == 0)
    }

    @Test("the policy is fetched once for an id, and again for another")
    func ids() throws {
        let discovery = discovery()
        publish("1")
        getter.serve(MTASTSDiscoveryTests.enforce)
        let policy = try #require(find(discovery)?.policy)
        #expect(policy.mode == .enforce && policy.permits("mx.a.example") && !policy.permits("mx.b.example"))
        #expect(find(discovery)?.policy == policy)
        #expect(getter.hosts.withLock { $0 } == ["mta-sts.a.example/.well-known/mta-sts.txt"])
        publish("2")
        getter.serve(MTASTSDiscoveryTests.enforce.replacing("enforce", with: "testing"))
        #expect(find(discovery)?.policy?.mode == .testing)
        #expect(getter.count == 2)
    }

    @Test("hiding the record or the policy host does not get around a policy in force")
    func downgrade() {
        let discovery = discovery()
        publish("1")
        getter.serve(MTASTSDiscoveryTests.enforce)
        let policy = find(discovery)?.policy
        publish(nil)
        #expect(find(discovery) == MTASTSFinding(policy: policy))
        resolver.zone.names["_mta-sts.a.example"] = { var entry = Zone.Entry(); entry.status = .serverFailure; return entry }()
        #expect(find(discovery) == MTASTSFinding(policy: policy))
        publish("2")
        getter.fail(isCertificate: true)
        #expect(find(discovery)?.policy == policy)
        #expect(find(discovery)?.problem?.type == .stsWebPKIInvalid)
    }

    @Test("a policy whose time is over is no policy")
    func expiry() {
        publish("1")
        getter.serve(MTASTSDiscoveryTests.enforce)
        _ = find(discovery())
        publish(nil)
        let later = TestLoop(now: loop.now + .seconds(604_801))
        let cache = MTASTSCache(decoding: file.content ?? [], at: later.now)
        #expect(cache.entry(for: "a.example", at: later.now) == nil)
        #expect(MTASTSCache(decoding: file.content ?? [], at: loop.now).entry(for: "a.example", at: loop.now) != nil)
    }

    @Test("policies survive a restart")
    func restart() {
        publish("1")
        getter.serve(MTASTSDiscoveryTests.enforce)
        let policy = find(discovery())?.policy
        #expect(find(discovery())?.policy == policy && policy != nil)
        #expect(getter.count == 1)
    }

    @Test("after a failure the policy host is left alone for a while")
    func failing() {
        let discovery = discovery()
        publish("1")
        getter.fail()
        #expect(find(discovery)?.problem?.type == .stsPolicyFetchError)
        #expect(find(discovery)?.problem?.type == .stsPolicyFetchError)
        #expect(getter.count == 1)
        publish("2")
        _ = find(discovery)
        #expect(getter.count == 2)
    }

    @Test("only a text/plain answer with status 200 is a policy", arguments: [
        (302, "text/plain", TLSReport.ResultType.stsPolicyFetchError), (404, "text/plain", .stsPolicyFetchError),
        (206, "text/plain", .stsPolicyFetchError), (200, "image/png", .stsPolicyInvalid), (200, nil, .stsPolicyInvalid),
        (200, "text/plain; charset=utf-8", nil), (200, "Text/Plain", nil),
    ] as [(Int, String?, TLSReport.ResultType?)])
    func answers(_ status: Int, _ type: String?, _ problem: TLSReport.ResultType?) {
        publish("1")
        getter.serve(MTASTSDiscoveryTests.enforce, status: status, type: type)
        let finding = find(discovery())
        #expect(finding?.problem?.type == problem && (finding?.policy == nil) == (problem != nil))
    }

    @Test("a policy in use is fetched again before its time is over, and nobody waits for that")
    func refresh() {
        publish("1")
        getter.serve(MTASTSDiscoveryTests.enforce)
        let discovery = discovery { $0.refreshAge = .zero }
        _ = find(discovery)
        getter.serve(MTASTSDiscoveryTests.enforce.replacing("enforce", with: "testing"))
        #expect(find(discovery)?.policy?.mode == .enforce)
        #expect(find(discovery)?.policy?.mode == .testing)
    }

    @Test("those who ask while a policy is fetched share the fetch")
    func sharing() {
        publish("1")
        getter.serve(MTASTSDiscoveryTests.enforce)
        let discovery = discovery()
        let answers = Mutex(0)
        for _ in 0..<3 { discovery.find("a.example") { _ in answers.withLock { $0 += 1 } } }
        loop.run()
        #expect(answers.withLock { $0 } == 3 && getter.count == 1)
    }

    @Test("a full cache drops what ends soonest")
    func capacity() throws {
        var cache = MTASTSCache(capacity: 10)
        let pattern = try #require(MTASTSPolicy.MXPattern("mx.example"))
        for number in 0..<20 {
            let policy = MTASTSPolicy(mode: .enforce, mx: [pattern], maxAge: Int64(1000 + number))
            cache.keep(.init(id: "1", policy: policy, fetched: loop.now), for: "\(number).example")
        }
        #expect(cache.count == 10)
        #expect(cache.entry(for: "19.example", at: loop.now) != nil && cache.entry(for: "0.example", at: loop.now) == nil)
        for (index, _) in cache.encoded(at: loop.now).enumerated() {
            _ = MTASTSCache(decoding: Array(cache.encoded(at: loop.now).prefix(index)), at: loop.now)
        }
        #expect(MTASTSCache(decoding: cache.encoded(at: loop.now), at: loop.now, capacity: 10) == cache)
    }

    @Test("patterns stand for one label", arguments: [
        ("*.a.example", "mx.a.example", true), ("*.a.example", "a.example", false), ("*.a.example", "x.mx.a.example", false),
        ("*.a.example", ".a.example", false), ("mx.a.example", "MX.a.example", true), ("MX.a.example", "mx.a.example", true),
    ])
    func patterns(_ pattern: String, _ host: String, _ matches: Bool) throws {
        #expect(try #require(MTASTSPolicy.MXPattern(pattern)).matches(host) == matches)
    }
}

import DNS
import Glibc
import Ports
import Testing

@Suite struct UnboundResolverTests {
    static let wireName: [UInt8] = [2] + Array("Mx".utf8) + [7] + Array("example".utf8) + [0]

    /// A server that knows a name for every kind of answer.
    static func server() throws -> LoopbackNameServer {
        try LoopbackNameServer { name, type in
            switch (name, type) {
            case ("a.mail.example", 1): .init(records: [[192, 0, 2, 1], [192, 0, 2, 2]])
            case ("a.mail.example", 28): .init()
            case ("mx.mail.example", 15): .init(records: [[0, 10] + wireName], timeToLive: 4_000_000)
            case ("null.mail.example", 15): .init(records: [[0, 0, 0]])
            case ("txt.mail.example", 16): .init(records: [[1, 0x61, 2, 0x62, 0x63]])
            case ("mx.short.example", 15): .init(records: [[0]])
            case ("txt.torn.example", 16): .init(records: [[200, 0x61]])
            case ("refused.mail.example", _): .init(code: 5)
            case ("silent.mail.example", _): nil
            case (_, 52):
                // n.tlsa.example has a TLSA record of n octets.
                .init(records: [Array([UInt8](arrayLiteral: 3, 1, 1, 9, 9).prefix(Int(name.prefix(1)) ?? 0))])
            case (_, 1) where name.hasSuffix(".test"): .init(records: [[192, 0, 2, 9]])
            case (_, 1) where name.hasSuffix(".many.example") || name.hasSuffix("signed.example"):
                .init(records: [[192, 0, 2, 3]])
            default: .init(code: type == 48 || type == 43 ? 0 : 3)
            }
        }
    }

    /// A resolver that forwards to `server`.
    static func resolver(_ server: LoopbackNameServer, _ change: (inout UnboundSettings) -> Void = { _ in }) throws -> UnboundResolver {
        var settings = UnboundSettings()
        settings.upstream = .forwarders([.ip(.loopback, port: server.port)])
        change(&settings)
        return try UnboundResolver(settings)
    }

    func ask(_ resolver: UnboundResolver, _ name: String, _ type: RecordType) async -> DNSAnswer {
        await withCheckedContinuation { continuation in
            resolver.resolve(name, type, on: ImmediateLoop()) { continuation.resume(returning: $0) }
        }
    }

    @Test func answersOfEveryKind() async throws {
        let server = try UnboundResolverTests.server()
        let resolver = try UnboundResolverTests.resolver(server)
        defer { resolver.close(); server.stop() }

        let addresses = await ask(resolver, "A.Mail.Example.", .a)
        #expect(addresses.status == .success)
        #expect(Set(addresses.addresses) == [.v4(0xc000_0201), .v4(0xc000_0202)])
        #expect(addresses.canonicalName == "a.mail.example")
        #expect(!addresses.isSecure)
        #expect(addresses.timeToLive > .seconds(200) && addresses.timeToLive <= .seconds(300))
        let exchange = await ask(resolver, "mx.mail.example", .mx)
        #expect(exchange.records == [.mx(preference: 10, exchange: "mx.example")])
        #expect(exchange.timeToLive <= .days(1))
        #expect(await ask(resolver, "null.mail.example", .mx).isNullMX)
        #expect(await ask(resolver, "txt.mail.example", .txt).records == [.txt(Array("abc".utf8))])
        #expect(await ask(resolver, "a.mail.example", .aaaa).status == .noData)
        #expect(await ask(resolver, "absent.mail.example", .a).status == .nameError)
        #expect(await ask(resolver, "host.test", .a).status == .success)
        let refused = await ask(resolver, "refused.mail.example", .a)
        #expect(refused.status == .serverFailure)
        #expect(refused.isTemporaryFailure)
        #expect(await ask(resolver, "no such name", .a).status == .nameError)
    }

    @Test("Records that lie about their length defer, and never trap (20260524, 20260531)")
    func malformedRecords() async throws {
        let server = try UnboundResolverTests.server()
        let resolver = try UnboundResolverTests.resolver(server)
        defer { resolver.close(); server.stop() }
        #expect(await ask(resolver, "mx.short.example", .mx).status == .serverFailure)
        #expect(await ask(resolver, "txt.torn.example", .txt).status == .serverFailure)
        for octets in 0...3 {
            #expect(await ask(resolver, "\(octets).tlsa.example", .tlsa).status == .serverFailure)
        }
        #expect(await ask(resolver, "4.tlsa.example", .tlsa).records == [.tlsa(usage: 3, selector: 1, matching: 1, data: [9])])
    }

    @Test func silenceTimesOut() async throws {
        let server = try UnboundResolverTests.server()
        let resolver = try UnboundResolverTests.resolver(server) { $0.timeout = .milliseconds(10) }
        defer { resolver.close(); server.stop() }
        #expect(await ask(resolver, "silent.mail.example", .a).status == .timedOut)
        // The place of the question is free again.
        #expect(await ask(resolver, "silent.mail.example", .mx).status == .timedOut)
    }

    @Test func equalQuestionsAreAskedOnce() async throws {
        let server = try UnboundResolverTests.server()
        let resolver = try UnboundResolverTests.resolver(server)
        defer { resolver.close(); server.stop() }
        await withTaskGroup(of: DNSAnswer.Status.self) { group in
            for _ in 0..<50 { group.addTask { await ask(resolver, "x.many.example", .a).status } }
            for await status in group { #expect(status == .success) }
        }
        #expect(server.questions.count { $0 == "x.many.example 1" } == 1)
    }

    @Test func questionsPastTheLimitWaitAndPastTheSecondFail() async throws {
        let server = try UnboundResolverTests.server()
        let resolver = try UnboundResolverTests.resolver(server) { $0.maxOutstanding = 2 }
        let strict = try UnboundResolverTests.resolver(server) {
            $0.maxOutstanding = 1
            $0.maxWaiting = 0
            $0.timeout = .milliseconds(20)
        }
        defer { resolver.close(); strict.close(); server.stop() }
        await withTaskGroup(of: DNSAnswer.Status.self) { group in
            for number in 0..<100 { group.addTask { await ask(resolver, "\(number).many.example", .a).status } }
            for await status in group { #expect(status == .success) }
        }
        async let silent = ask(strict, "silent.mail.example", .a)
        async let other = ask(strict, "silent.mail.example", .mx)
        let statuses = await [silent.status, other.status]
        #expect(Set(statuses) == [.timedOut, .serverFailure])
    }

    @Test func failedValidationIsBogus() async throws {
        let path = "/tmp/baton-anchor-\(getpid())-\(UInt64.random(in: 0 ... .max)).key"
        let anchor = "signed.example. IN DS 12345 13 2 " + String(repeating: "ab", count: 32) + "\n"
        let file = try #require(fopen(path, "w"))
        fputs(anchor, file)
        fclose(file)
        defer { unlink(path) }
        let server = try UnboundResolverTests.server()
        let resolver = try UnboundResolverTests.resolver(server) { $0.trustAnchorFile = path }
        defer { resolver.close(); server.stop() }
        let answer = await ask(resolver, "host.signed.example", .a)
        #expect(answer.status == .bogus)
        #expect(answer.records.isEmpty)
        #expect(answer.reason?.hasPrefix("DNSSEC validation failed") == true)
        #expect(await ask(resolver, "a.mail.example", .a).status == .success)
    }

    @Test func closingAnswersWhatIsOpen() async throws {
        let server = try UnboundResolverTests.server()
        let resolver = try UnboundResolverTests.resolver(server)
        defer { server.stop() }
        let answer = await withCheckedContinuation { continuation in
            resolver.resolve("silent.mail.example", .a, on: ImmediateLoop()) { continuation.resume(returning: $0) }
            resolver.close()
        }
        #expect(answer.status == .serverFailure)
        #expect(answer.reason == "the resolver is closed")
        #expect(await ask(resolver, "a.mail.example", .a).reason == "the resolver is closed")
    }

    @Test func wrongSettingsAreNamed() {
        var settings = UnboundSettings()
        settings.trustAnchorFile = "/nonexistent/root.key"
        #expect { try UnboundResolver(settings) } throws: {
            "\($0)" == "trust anchor /nonexistent/root.key: No such file or directory"
        }
        settings = UnboundSettings()
        settings.upstream = .system(resolvConf: "/nonexistent/resolv.conf")
        #expect { try UnboundResolver(settings) } throws: { "\($0)".hasPrefix("resolver file /nonexistent/resolv.conf: ") }
    }
}

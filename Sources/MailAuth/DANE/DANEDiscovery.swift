import DNS
import Ports

/// Finds the TLSA records of mail hosts by the rules of RFC 7672 §2.2.
///
/// To be asked only for hosts that are known securely: by a DNSSEC-proven MX answer, or by configuration.
public final class DANEDiscovery: Sendable {
    private let resolver: any Resolver

    /// A discovery that asks `resolver`.
    public init(resolver: any Resolver) { self.resolver = resolver }

    /// Finds what applies to `host` at `port`, for mail to `domain`; completes once, on `loop`, never before this returns.
    ///
    /// The time is how long the finding may be kept.
    public func find(host: String, port: UInt16, domain: String, on loop: any Loop,
                     completion: @escaping @Sendable (DANEFinding, Duration) -> Void) {
        let search = DANESearch(host: host, port: port, domain: domain, resolver: resolver, loop: loop, completion)
        search.start()
    }
}

/// One search; touched on its loop only, after it has started.
private final class DANESearch: @unchecked Sendable {
    private let host: String
    private let port: UInt16
    private let domain: String
    private let resolver: any Resolver
    private let loop: any Loop
    private let completion: @Sendable (DANEFinding, Duration) -> Void
    private var addresses: [DNSAnswer] = []
    private var timeToLive = Duration.hours(1)

    init(host: String, port: UInt16, domain: String, resolver: any Resolver, loop: any Loop,
         _ completion: @escaping @Sendable (DANEFinding, Duration) -> Void) {
        self.host = DNSName.canonical(host) ?? host
        self.port = port
        self.domain = domain
        self.resolver = resolver
        self.loop = loop
        self.completion = completion
    }

    func start() {
        for type in [RecordType.a, .aaaa] {
            resolver.resolve(host, type, on: loop) { answer in
                self.addresses.append(answer)
                if self.addresses.count == 2 { self.addressesFound() }
            }
        }
    }

    /// Whether the host's zone is signed decides whether to ask on: the servers of some unsigned zones
    /// fail at questions for TLSA (RFC 7672 §2.1.1).
    private func addressesFound() {
        if let bogus = addresses.first(where: { $0.status == .bogus }) { return fail(bogus) }
        let found = addresses.filter { $0.status == .success }
        guard let first = found.first else {
            if let failed = addresses.first(where: \.isTemporaryFailure) { return fail(failed) }
            return finish(.none)
        }
        for answer in found { keep(answer) }
        let expanded = first.canonicalName
        if found.allSatisfy(\.isSecure) {
            // An alias is followed as far as it is signed; the name itself comes second (RFC 7672 §2.2.3).
            return ask(expanded == host ? [host] : [expanded, host])
        }
        guard expanded != host else { return finish(.none) }
        resolver.resolve(host, .cname, on: loop) { answer in
            if answer.isTemporaryFailure { return self.fail(answer) }
            self.keep(answer)
            // The alias leads out of the signed part, but is itself signed: the records are where it is.
            if answer.status == .success, answer.isSecure { self.ask([self.host]) } else { self.finish(.none) }
        }
    }

    private func ask(_ bases: [String]) {
        guard let base = bases.first else { return finish(.none) }
        resolver.resolve(TLSARecord.name(of: base, port: port), .tlsa, on: loop) { answer in
            if answer.isTemporaryFailure { return self.fail(answer) }
            self.keep(answer)
            guard answer.status == .success, answer.isSecure else { return self.ask(Array(bases.dropFirst())) }
            let records = answer.records.prefix(DANEVerifier.maxRecords).compactMap { TLSARecord($0) }
            var names: [String] = []
            for name in [base, self.host, self.domain] where !names.contains(name) { names.append(name) }
            self.finish(.policy(DANEPolicy(baseDomain: base, records: records, referenceNames: names)))
        }
    }

    private func keep(_ answer: DNSAnswer) { timeToLive = min(timeToLive, answer.timeToLive) }

    private func fail(_ answer: DNSAnswer) {
        timeToLive = .zero
        finish(.unavailable(DANEProblem(isBogus: answer.status == .bogus, answer.reason ?? "no answer for \(answer.canonicalName)")))
    }

    private func finish(_ finding: DANEFinding) { completion(finding, timeToLive) }
}

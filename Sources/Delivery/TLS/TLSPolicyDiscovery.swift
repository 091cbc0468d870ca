import DNS
import MailAuth
import Ports

/// Finds out what a destination publishes about TLS, and decides by it how its hosts are connected to.
///
/// Confined to the core loop; `@unchecked Sendable` so that answers of lookups may hold it.
public final class TLSPolicyDiscovery: @unchecked Sendable {
    private let loop: any Loop
    private let mtaSTS: MTASTSDiscovery?
    private let reports: TLSReportCounters?
    /// Looks for TLSA records; nil where DANE is not in use.
    private var dane: DANEDiscovery?
    private var level: @Sendable (_ domain: String) -> TLSLevel

    /// A discovery; `level` tells what the configuration asks of connections for a domain.
    public init(loop: any Loop, dane: DANEDiscovery?, mtaSTS: MTASTSDiscovery?, reports: TLSReportCounters?,
                level: @escaping @Sendable (_ domain: String) -> TLSLevel) {
        self.loop = loop
        self.dane = dane
        self.mtaSTS = mtaSTS
        self.reports = reports
        self.level = level
    }

    /// Puts other levels in force; destinations must be resolved again afterwards.
    public func apply(dane: DANEDiscovery?, level: @escaping @Sendable (_ domain: String) -> TLSLevel) {
        self.dane = dane
        self.level = level
    }

    /// Gives each of `hosts`, which take the mail of `domain`, its policies; completes on the loop with how long these are good for.
    ///
    /// `isProven` says that DNSSEC proves the hosts to be the domain's.
    func protect(_ hosts: [HopHost], of domain: String, isProven: Bool, completion: @escaping @Sendable ([HopHost], Duration) -> Void) {
        let level = level(domain)
        let search = PolicySearch(hosts, domain: domain, level: level, isProven: isProven) { hosts, mtaSTS, timeToLive in
            self.note(mtaSTS, domain)
            for host in hosts { self.note(host, domain, mtaSTS) }
            completion(hosts, timeToLive)
        }
        // One for the policy of the domain, one for each host; a search without questions ends here.
        search.missing = 1 + hosts.count
        let usesDANE = isProven && level != .none
        for (index, host) in hosts.enumerated() {
            guard usesDANE, let dane, case .name(let name) = host.location else {
                search.found(DANEFinding.none, index, .hours(1))
                continue
            }
            dane.find(host: name, port: host.port, domain: domain, on: loop) { search.found($0, index, $1) }
        }
        guard let mtaSTS, level != .none else { return search.found(MTASTSFinding()) }
        mtaSTS.find(domain) { search.found($0) }
    }

    /// Counts what kept a host from being used before there was a connection (RFC 8460 §4.3.2).
    private func note(_ host: HopHost, _ domain: String, _ mtaSTS: MTASTSFinding) {
        guard let reports else { return }
        switch host.tls {
        case .withheld(.daneUnknown(let problem)):
            reports.count(TLSReport.Policy(type: .tlsa, domain: domain, mxHosts: [host.name]), TLSReport.Failure(
                type: problem.isBogus ? .dnssecInvalid : .validationFailure, receivingHost: host.name, sessions: 1, reasonCode: "\(problem)"))
        case .withheld(.notInMTASTSPolicy):
            guard let policy = mtaSTS.policy else { return }
            reports.count(MTASTSRule(domain: domain, host: host.name, policy: policy).reported, TLSReport.Failure(
                type: .validationFailure, receivingHost: host.name, sessions: 1, reasonCode: "the host is not in the policy"))
        case .withheld, .none, .opportunistic, .encrypt, .verify, .dane, .mtaSTS:
            break
        }
    }

    private func note(_ mtaSTS: MTASTSFinding, _ domain: String) {
        guard let problem = mtaSTS.problem else { return }
        reports?.count(TLSReport.Policy(type: .sts, domain: domain),
                       TLSReport.Failure(type: problem.type, sessions: 1, reasonCode: problem.reason))
    }
}

/// What is being found out for one destination; touched on the core loop only.
private final class PolicySearch: @unchecked Sendable {
    var missing = 0
    private var hosts: [HopHost]
    private let domain: String
    private let level: TLSLevel
    private let isProven: Bool
    private let completion: ([HopHost], MTASTSFinding, Duration) -> Void
    private var dane: [DANEFinding]
    private var mtaSTS = MTASTSFinding()
    private var timeToLive = Duration.hours(1)

    init(_ hosts: [HopHost], domain: String, level: TLSLevel, isProven: Bool,
         completion: @escaping ([HopHost], MTASTSFinding, Duration) -> Void) {
        self.hosts = hosts
        self.domain = domain
        self.level = level
        self.isProven = isProven
        self.completion = completion
        dane = Array(repeating: .none, count: hosts.count)
    }

    func found(_ finding: DANEFinding, _ index: Int, _ timeToLive: Duration) {
        dane[index] = finding
        self.timeToLive = min(self.timeToLive, timeToLive)
        finishOne()
    }

    func found(_ finding: MTASTSFinding) {
        mtaSTS = finding
        finishOne()
    }

    private func finishOne() {
        missing -= 1
        guard missing == 0 else { return }
        for index in hosts.indices {
            let facts = TLSPolicyFacts(level: level, domain: domain, host: hosts[index].name, isHostProven: isProven, dane: dane[index],
                                       mtaSTS: mtaSTS)
            hosts[index].tls = TLSPolicy(facts, for: .ordinary)
            hosts[index].tlsWhenAsked = TLSPoliciesWhenAsked(required: TLSPolicy(facts, for: .required), waived: TLSPolicy(facts, for: .waived))
        }
        completion(hosts, mtaSTS, timeToLive)
    }
}

import DNS
import MailAuth
import MailQueue
import Ports
import SMTP

/// Counts what became of TLS on each connection, for the reports of RFC 8460; confined to the core loop.
public final class TLSReporting: TLSOutcomeObserver {
    private let loop: any Loop
    private let counters: TLSReportCounters
    /// Judges certificates under policies that are tested.
    public var verifier: PKIXVerifier

    /// Counts into `counters`; certificates under policies that are tested are judged by `verifier`.
    public init(loop: any Loop, counters: TLSReportCounters, verifier: PKIXVerifier) {
        self.loop = loop
        self.counters = counters
        self.verifier = verifier
    }

    public func noted(_ outcome: TLSOutcome, host: HopHost, endpoint: SocketEndpoint, destination: DestinationKey) {
        // Only mail to a domain by its own mail exchanges is its business.
        guard host.tlsWhenAsked != nil, let policy = outcome.policy.reported(for: destination.domain, host) else { return }
        // The connection is made again in the clear, and counted then.
        if case .failed = outcome.result, outcome.policy.allowsClear { return }
        var failure: TLSReport.Failure?
        if let (type, reason) = problem(outcome, host) {
            failure = TLSReport.Failure(type: type, receivingHost: host.name, sessions: 1, reasonCode: reason)
            if case .ip(let address, _) = endpoint { failure?.receivingAddress = address.description }
        }
        counters.count(policy, failure)
    }

    private func problem(_ outcome: TLSOutcome, _ host: HopHost) -> (TLSReport.ResultType, String?)? {
        switch outcome.result {
        case .notWanted: return nil
        case .notOffered: return (.starttlsNotSupported, nil)
        case .refused(let reply): return (.starttlsNotSupported, "\(reply.code)")
        case .failed(let failure), .givenUp(let failure): return (TLSReport.ResultType(failure), "\(failure)")
        case .established(let summary):
            switch outcome.policy {
            case .dane(let policy): return policy.isUsable ? nil : (.tlsaInvalid, "no TLSA record is usable")
            case .mtaSTS(let rule) where !rule.permitsHost: return (.validationFailure, "the host is not in the policy")
            case .mtaSTS(let rule) where !rule.isEnforced:
                return verifier.problem(with: summary.peerCertificates, host: rule.host, at: loop.now).map { ($0, nil) }
            case .mtaSTS, .none, .opportunistic, .encrypt, .verify, .withheld: return nil
            }
        }
    }
}

extension TLSReport.ResultType {
    /// The failure of a handshake in the words of reports (RFC 8460 §4.3.1).
    init(_ failure: TLSFailure) {
        switch failure {
        case .expired: self = .certificateExpired
        case .wrongName: self = .certificateHostMismatch
        case .notTrusted: self = .certificateNotTrusted
        case .timedOut, .closed, .handshake, .noCommonProtocol, .unavailable: self = .validationFailure
        }
    }
}

extension TLSPolicy {
    /// The policy in a report about `domain`; nil for one that the domain has not published.
    func reported(for domain: String, _ host: HopHost) -> TLSReport.Policy? {
        switch self {
        case .opportunistic: TLSReport.Policy(type: .none, domain: domain)
        case .dane(let policy):
            TLSReport.Policy(type: .tlsa, strings: policy.records.prefix(8).map(\.text), domain: domain, mxHosts: [policy.baseDomain])
        case .mtaSTS(let rule): rule.reported
        case .none, .encrypt, .verify, .withheld: nil
        }
    }
}

extension MTASTSRule {
    /// The policy as reports quote it.
    var reported: TLSReport.Policy {
        TLSReport.Policy(type: .sts, strings: Array(policy.lines.prefix(MTASTSRule.reportedLines)), domain: domain,
                         mxHosts: policy.mx.prefix(MTASTSRule.reportedLines).map(\.description))
    }

    /// Reports keep the beginning of a long policy.
    private static let reportedLines = 32
}

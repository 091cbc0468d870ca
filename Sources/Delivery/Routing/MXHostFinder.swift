import DNS
import Ports

/// Finds a domain's mail hosts by the rules of RFC 5321 §5.1: MX records, null MX (RFC 7505), implicit MX.
///
/// Confined to the core loop; `@unchecked Sendable` so that the answers of the resolver may hold it.
public final class MXHostFinder: MailHostFinder, @unchecked Sendable {
    /// Hosts of a domain that are kept, best first; only a few of them are ever tried.
    public static let maxHosts = 32

    private let resolver: any Resolver
    private let random: any RandomSource
    private var own: OwnHost

    /// A finder that asks `resolver` and draws the order of equal hosts from `random`.
    public init(resolver: any Resolver, random: any RandomSource, own: OwnHost) {
        self.resolver = resolver
        self.random = random
        self.own = own
    }

    /// This host is now called, or listens, as `own` says; on the core loop.
    public func apply(own: OwnHost) { self.own = own }

    public func findHosts(of domain: String, port: UInt16, on loop: any Loop,
                          completion: @escaping @Sendable (MailHostAnswer) -> Void) {
        if domain.hasPrefix("["), domain.hasSuffix("]") {
            return completion(MailHostAnswer(literal(domain.dropFirst().dropLast(), port: port), timeToLive: .hours(1)))
        }
        resolver.resolve(domain, .mx, on: loop) { answer in
            switch answer.status {
            case .success:
                completion(MailHostAnswer(self.exchanges(answer, port: port), timeToLive: answer.timeToLive, isSecure: answer.isSecure))
            case .noData:
                self.findImplicitHost(domain, port: port, isProven: answer.isSecure, on: loop, completion: completion)
            case .nameError:
                completion(MailHostAnswer(.undeliverable(.noSuchDomain), timeToLive: answer.timeToLive))
            case .serverFailure, .timedOut, .bogus:
                completion(MailHostAnswer(.unavailable, timeToLive: answer.timeToLive))
            }
        }
    }

    private func literal(_ text: Substring, port: UInt16) -> MailHostAnswer.Result {
        guard let address = IPAddress(text), !address.isUnspecified else { return .undeliverable(.noMailHost) }
        if own.listens(at: address, port: port) { return .undeliverable(.loopsBack) }
        return .hosts([HopHost(.address(address), port: port)])
    }

    private func exchanges(_ answer: DNSAnswer, port: UInt16) -> MailHostAnswer.Result {
        if answer.isNullMX { return .undeliverable(.nullMX) }
        var exchanges: [(preference: UInt16, name: String)] = []
        for case .mx(let preference, let exchange) in answer.records where DNSName.isHostName(exchange) {
            exchanges.append((preference, exchange))
        }
        guard !exchanges.isEmpty else { return .undeliverable(.malformedMX) }
        exchanges.sort { ($0.preference, $0.name) < ($1.preference, $1.name) }
        // A backup MX hands on only to hosts that are better than itself: anything else would be a loop.
        if let mine = exchanges.first(where: { own.names.contains($0.name) }) {
            exchanges.removeAll { $0.preference >= mine.preference }
            guard !exchanges.isEmpty else { return .undeliverable(.loopsBack) }
        }
        var names: Set<String> = []
        var hosts: [HopHost] = []
        for exchange in exchanges where hosts.count < MXHostFinder.maxHosts && names.insert(exchange.name).inserted {
            hosts.append(HopHost(.name(exchange.name), port: port, preference: exchange.preference))
        }
        shuffleEquals(&hosts)
        return .hosts(hosts)
    }

    /// RFC 5321 §5.1: the load is spread over hosts of equal preference.
    private func shuffleEquals(_ hosts: inout [HopHost]) {
        var start = 0
        while start < hosts.count {
            var end = start + 1
            while end < hosts.count, hosts[end].preference == hosts[start].preference { end += 1 }
            for index in start..<end {
                hosts.swapAt(index, index + Int(random.next(below: UInt64(end - index))))
            }
            start = end
        }
    }

    /// Without MX records the domain itself is the mail host, if it has an address.
    private func findImplicitHost(_ domain: String, port: UInt16, isProven: Bool, on loop: any Loop,
                                  completion: @escaping @Sendable (MailHostAnswer) -> Void) {
        if own.names.contains(domain) {
            return completion(MailHostAnswer(.undeliverable(.loopsBack), timeToLive: .hours(1)))
        }
        resolver.resolve(domain, .a, on: loop) { four in
            if !four.addresses.isEmpty { return completion(self.implicit(domain, port, four.timeToLive, isProven && four.isSecure)) }
            self.resolver.resolve(domain, .aaaa, on: loop) { six in
                if !six.addresses.isEmpty { return completion(self.implicit(domain, port, six.timeToLive, isProven && six.isSecure)) }
                let timeToLive = min(four.timeToLive, six.timeToLive)
                if four.isTemporaryFailure || six.isTemporaryFailure {
                    completion(MailHostAnswer(.unavailable, timeToLive: timeToLive))
                } else {
                    completion(MailHostAnswer(.undeliverable(.noMailHost), timeToLive: timeToLive))
                }
            }
        }
    }

    private func implicit(_ domain: String, _ port: UInt16, _ timeToLive: Duration, _ isSecure: Bool) -> MailHostAnswer {
        MailHostAnswer(.hosts([HopHost(.name(domain), port: port)]), timeToLive: timeToLive, isSecure: isSecure)
    }
}

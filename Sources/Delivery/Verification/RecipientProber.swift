import DNS
import MailQueue
import MessageFormat
import Ports
import SMTP

/// Asks the next hops of addresses whether they would take mail for them.
///
/// Confined to the core loop; `@unchecked Sendable` so that the answers of the resolver may hold it.
public final class RecipientProber: @unchecked Sendable {
    private let loop: any Loop
    private let router: Router
    private let dialer: any Dialer
    private let addressFinder: HostAddressFinder
    private let heloName: String
    private let own: OwnHost
    private let timeout: Duration
    private let maxProbes: Int
    private var probes = 0

    /// Endpoints that one question tries.
    private static let maxEndpoints = 2

    /// A prober that asks by the routes of `router`, `maxProbes` questions at once.
    public init(loop: any Loop, router: Router, dialer: any Dialer, resolver: any Resolver, settings: SMTPAgentSettings, own: OwnHost,
                timeout: Duration = .seconds(15), maxProbes: Int = 50) {
        self.loop = loop
        self.router = router
        self.dialer = dialer
        addressFinder = HostAddressFinder(resolver: resolver, preference: settings.addressPreference, loop: loop)
        heloName = settings.heloName
        self.own = own
        self.timeout = timeout
        self.maxProbes = maxProbes
    }

    /// Asks about `address`; callable on the core loop, where `completion` is called once.
    public func probe(_ address: EmailAddress, completion: @escaping @Sendable (ProbeFinding) -> Void) {
        // Without SMTPUTF8 a refusal would be one of the letters, not of the mailbox.
        guard address.localPart.utf8.allSatisfy({ $0 < 0x80 }) else { return completion(.unknown("not in ASCII")) }
        // Somebody who names a million addresses must not make this host ask a million questions.
        guard probes < maxProbes else { return completion(.unknown("too many questions under way")) }
        probes += 1
        let done: @Sendable (ProbeFinding) -> Void = { finding in
            self.probes -= 1
            completion(finding)
        }
        let key = router.destination(for: address.host, from: .null)
        router.resolve(key) { resolution, _ in
            guard case .site = resolution, let hop = self.router.nextHop(for: key) else { return done(.unknown("no next hop is known")) }
            switch hop {
            case .smtp(let hosts): self.findEndpoints(of: hosts[...], []) { self.ask(address, .smtp, $0[...], done) }
            case .lmtp(let hosts): self.findEndpoints(of: hosts[...], []) { self.ask(address, .lmtp, $0[...], done) }
            case .maildir, .sandbox, .discard: done(.unknown("its route has no server to ask"))
            }
        }
    }

    /// One place to ask.
    private struct Place {
        var host: HopHost
        var endpoint: SocketEndpoint
    }

    /// The first endpoints of `hosts`, in their order; hosts that may not be used are not asked either.
    private func findEndpoints(of hosts: ArraySlice<HopHost>, _ found: [Place], _ completion: @escaping @Sendable ([Place]) -> Void) {
        guard let host = hosts.first, found.count < RecipientProber.maxEndpoints else { return completion(found) }
        if case .withheld = host.tls { return findEndpoints(of: hosts.dropFirst(), found, completion) }
        switch host.location {
        case .unix(let path): findEndpoints(of: hosts.dropFirst(), found + [Place(host: host, endpoint: .unix(path: path))], completion)
        case .address(let address): findEndpoints(of: hosts.dropFirst(), found + endpoints([address], host), completion)
        case .name(let name):
            addressFinder.findAddresses(of: name) { answer in
                var more: [Place] = []
                if case .found(let addresses) = answer { more = self.endpoints(addresses, host) }
                self.findEndpoints(of: hosts.dropFirst(), found + more, completion)
            }
        }
    }

    private func endpoints(_ addresses: [IPAddress], _ host: HopHost) -> [Place] {
        addresses.filter { !own.listens(at: $0, port: host.port) }.map { Place(host: host, endpoint: .ip($0, port: host.port)) }
    }

    private func ask(_ address: EmailAddress, _ dialect: Dialect, _ places: ArraySlice<Place>,
                     _ done: @escaping @Sendable (ProbeFinding) -> Void) {
        guard let place = places.first else { return done(.unknown("no server is known")) }
        let rest = places.prefix(RecipientProber.maxEndpoints).dropFirst()
        let probe = RecipientProbe(address, at: place.host, heloName: heloName, dialect: dialect, loop: loop) { finding in
            if case .unreachable(let why) = finding {
                return rest.isEmpty ? done(.unknown(why)) : self.ask(address, dialect, rest, done)
            }
            done(finding)
        }
        probe.start(place.endpoint, by: dialer, from: nil, timeout: timeout)
    }
}

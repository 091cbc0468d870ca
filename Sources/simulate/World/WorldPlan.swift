import BatonTesting
import DNS
import Ports

/// What a seed makes of a world: its domains, hosts and faults.
struct WorldPlan {
    /// A domain that mail goes to.
    struct Domain {
        enum Kind {
            /// Its hosts take mail, roughly.
            case ordinary
            /// There is no such domain.
            case missing
            /// It takes no mail (RFC 7505).
            case nullMX
            /// Its name servers never answer.
            case silentDNS
            /// Nobody listens at its host.
            case dead
        }
        let name: String
        let kind: Kind
        let hosts: [String]
    }

    static let relayName = "relay.example"
    static let relayAddress = IPAddress.v4(0xc633_6401)
    static let relayEndpoint = SocketEndpoint.ip(relayAddress, port: 25)
    /// Where the clients' bounces go, and those that cannot be delivered.
    static let senderDomain = "senders.example"
    static let operatorDomain = "ops.example"
    /// Its mail goes out by LMTP.
    static let lmtpDomain = "lmtp.example"
    /// Its mail goes into Maildirs.
    static let boxesDomain = "boxes.example"
    /// Its addresses stand for others.
    static let listsDomain = "lists.example"
    /// The smart host that some domains go through after a reload.
    static let hubDomain = "hub.example"

    let domains: [Domain]
    /// Host names with their addresses, in a fixed order.
    let hosts: [(name: String, address: IPAddress)]

    init(_ random: SeededRandom, sites: Int) {
        var hosts: [(name: String, address: IPAddress)] = []
        func host(_ name: String) -> String {
            hosts.append((name, .v4(0xc000_0200 + UInt32(hosts.count))))
            return name
        }
        var domains: [Domain] = []
        for number in 0..<sites {
            let kind: Domain.Kind = switch number {
            case 0: .missing
            case 1: .nullMX
            case 2: .silentDNS
            case 3: .dead
            default: .ordinary
            }
            let names = (0...random.number(in: 0...1)).map { host("mx\($0).d\(number).example") }
            domains.append(Domain(name: "d\(number).example", kind: kind, hosts: names))
        }
        // Domains that share the hosts of another: one site with several destinations.
        for number in 0..<(sites / 4) {
            let other = domains[random.number(in: 4...(sites - 1))]
            domains.append(Domain(name: "alias\(number).example", kind: .ordinary, hosts: other.hosts))
        }
        domains.append(Domain(name: Self.boxesDomain, kind: .ordinary, hosts: []))
        for name in [Self.lmtpDomain, Self.hubDomain, Self.senderDomain, Self.operatorDomain] {
            domains.append(Domain(name: name, kind: .ordinary, hosts: [host("mx.\(name)")]))
        }
        self.domains = domains
        self.hosts = hosts
    }

    /// The domains that clients write to.
    var targets: [Domain] { Array(domains.dropLast(3)) }

    // MARK: Aliases

    /// An address of the lists' domain that stands for one recipient at each of the target domains with these numbers.
    static func alias(_ token: Int, _ index: Int, targets: [Int]) -> String {
        "l\(token).\(index)" + targets.map { ".t\($0)" }.joined() + "@\(listsDomain)"
    }

    /// The addresses that a recipient comes down to: itself, unless it is an alias.
    func finals(of recipient: String) -> [String] {
        guard recipient.hasSuffix("@" + Self.listsDomain) else { return [recipient] }
        let parts = recipient.prefix { $0 != "@" }.split(separator: ".")
        return parts.dropFirst(2).compactMap { part in
            guard let number = Int(part.dropFirst()), targets.indices.contains(number) else { return nil }
            return "\(parts[0]).\(parts[1]).\(number)@\(targets[number].name)"
        }
    }

    /// The DNS of the world.
    var zone: Zone {
        var names: [String: Zone.Entry] = [:]
        for domain in domains {
            switch domain.kind {
            case .missing: continue
            case .nullMX: names[domain.name] = Zone.Entry([.mx(preference: 0, exchange: "")])
            case .silentDNS:
                names[domain.name] = Zone.Entry()
                names[domain.name]?.status = .serverFailure
            case .ordinary, .dead:
                names[domain.name] = Zone.Entry(domain.hosts.enumerated().map { index, host in
                    .mx(preference: UInt16(10 * (index + 1)), exchange: host)
                })
            }
        }
        for (name, address) in hosts { names[name] = Zone.Entry([.a(address)]) }
        return Zone(names)
    }

    func listens(_ host: String) -> Bool {
        domains.contains { $0.hosts.contains(host) && $0.kind == .ordinary }
    }
}

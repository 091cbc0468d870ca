import MessageFormat
import Ports

/// All of `baton.yaml`, checked.
public struct BatonConfiguration: Hashable, Sendable {
    /// The name of this host in greetings, trace fields and reports.
    public var hostname = Domain.localhost
    /// Where mail is kept.
    public var spool = SpoolConfiguration()
    /// Where mail comes in.
    public var listeners: [ListenerConfiguration] = []
    /// Domains whose mail ends here.
    public var domains: [Domain: LocalDomain] = [:]
    /// Domains that mail is taken for from anybody, and passed on.
    public var relayDomains: [DomainPattern] = []
    /// Clients that may send to anybody.
    public var relayNetworks = [IPNetwork("127.0.0.0/8"), IPNetwork("::1/128")].compactMap { $0 }
    /// Addresses that stand for others, beside those of the local domains.
    public var aliases: [EmailAddress: [EmailAddress]] = [:]
    /// Ways for mail to leave, by name; `mx` is always there.
    public var routes: [String: Route] = [:]
    /// Which mail goes by which route.
    public var rules: [Rule] = []
    /// How TLS is spoken to clients.
    public var tls = TLSConfiguration()
    /// Who this host is to the servers of its routes.
    public var credentials: [CredentialsConfiguration] = []
    /// How long mail waits.
    public var queue = QueueConfiguration()
    /// How other servers are spoken to.
    public var delivery = DeliveryConfiguration()
    /// Who may submit mail, and how they prove who they are.
    public var authentication = AuthenticationConfiguration()
    /// What clients may ask for.
    public var limits = LimitsConfiguration()
    /// The rules against abuse.
    public var policy = PolicyConfiguration()
    /// How senders are verified, and what follows.
    public var verification = VerificationConfiguration()
    /// What happens to mail that an alias leads out of our domains.
    public var forwarding = ForwardingConfiguration()
    /// Where DNS answers come from.
    public var dns = DNSConfiguration()
    /// How mail of the relay's own users is signed.
    public var dkim = DKIMConfiguration()
    /// How senders hear of failures.
    public var bounces = BounceConfiguration()
    /// What is logged.
    public var log = LogConfiguration()
    /// Whether the daemon gives up what it does not need.
    public var sandbox = SandboxMode.auto
    /// The sockets of the commands.
    public var control = ControlConfiguration()
    /// How long history is kept.
    public var retention = RetentionConfiguration()

    /// The route of mail that no rule is for.
    public static let defaultRoute = "mx"

    /// The documented defaults.
    public init() {}

    static var keys: [Key<BatonConfiguration>] { [
        .required("hostname", \.hostname, .domain,
                  "The name of this host in greetings, trace fields and reports: fully qualified, with an address record that leads here.",
                  effect: .restart, reference: "RFC 5321 §2.3.5", example: "mail.example.org"),
        .required("listeners", \.listeners, .list(of: ListenerConfiguration.type, count: 1...100, identifiedBy: \.address.description),
                  "Where mail comes in.", effect: .restart, example: """
                  - address: ":25"
                  - address: "127.0.0.1:587"
                    dialect: submission
                  """),
        .value("domains", \.domains, .map(from: .domain, to: LocalDomain.type), "Domains whose mail ends here.", example: """
               example.org:
                 route: mailboxes
                 mailboxes: [alice, bob]
                 aliases:
                   postmaster: alice
                   sales: [alice, bob, carol@partner.example]
               """),
        .value("relayDomains", \.relayDomains, .list(of: .domainPattern),
               "Domains that mail is taken for from anybody and passed on, as a backup MX or a gateway does; `*.example.org` for every domain below one.",
               example: """
               # - example.net
               # - "*.example.net"
               """),
        .value("relayNetworks", \.relayNetworks, .list(of: .network),
               "Clients that may send to anybody. Baton refuses to start as an open relay: wide public networks are a mistake here."),
        .value("aliases", \.aliases, .map(from: .emailAddress, to: .list(of: .emailAddress, count: 1...10_000)),
               "Addresses of local or relay domains that stand for others.", example: """
               # info@example.net: [alice@example.org, carol@partner.example]
               """),
        .value("routes", \.routes, .map(from: .routeName, to: Route.type),
               "Ways for mail to leave, by name. The route `mx` is always there.", example: """
               mailboxes:
                 type: maildir
                 path: /var/lib/baton/mail/{domain}/{user}
               # provider:
               #   type: smarthost
               #   hosts: ["smtp.provider.example:587", backup.provider.example]
               # dovecot:
               #   type: lmtp
               #   hosts: ["unix:/run/dovecot/lmtp"]
               """),
        .value("rules", \.rules, .list(of: Rule.type), "Which mail goes by which route; mail that no rule is for goes by `mx`.", example: """
               # - senders: [billing@example.org, shop.example.org]
               #   route: provider
               # - recipients: [example.net, "*.example.net"]
               #   route: dovecot
               """),
        .value("credentials", \.credentials, .list(of: CredentialsConfiguration.type, count: 0...10_000),
               "Accounts at smart hosts; the secrets themselves are in files or in the environment.", example: """
               # - route: provider
               #   account: relay@example.org
               #   passwordFile: /etc/baton/provider.password
               """),
        .value("sandbox", \.sandbox, .choice,
               "Whether the daemon gives up files and system calls that it does not need, by Landlock and seccomp: `auto` where the kernel lets it, `require` to refuse to start otherwise, `off` not at all.", effect: .restart),
        .section("spool", \.spool, SpoolConfiguration.keys, default: SpoolConfiguration(), "Where mail is kept, and how much room it may take."),
        .section("queue", \.queue, QueueConfiguration.keys, default: QueueConfiguration(), "How long mail waits, and how much of it."),
        .section("delivery", \.delivery, DeliveryConfiguration.keys, default: DeliveryConfiguration(), "How other servers are spoken to."),
        .section("tls", \.tls, TLSConfiguration.keys, default: TLSConfiguration(), "Certificates, and how TLS is spoken to clients."),
        .section("authentication", \.authentication, AuthenticationConfiguration.keys, default: AuthenticationConfiguration(),
                 "Who may submit mail, and how they prove who they are."),
        .section("limits", \.limits, LimitsConfiguration.keys, default: LimitsConfiguration(), "What clients may ask for."),
        .section("policy", \.policy, PolicyConfiguration.keys, default: PolicyConfiguration(),
                 "The rules against abuse, described in POLICY.md. Each can `enforce`, only `log` in the event what it saw, or be `off`."),
        .section("verification", \.verification, VerificationConfiguration.keys, default: VerificationConfiguration(),
                 "On whose behalf mail from strangers comes, by SPF, DKIM, DMARC and ARC, and what follows from that. Clients in `relayNetworks` are not verified."),
        .section("forwarding", \.forwarding, ForwardingConfiguration.keys, default: ForwardingConfiguration(),
                 "Mail that an alias leads out of our domains."),
        .section("dns", \.dns, DNSConfiguration.keys, default: DNSConfiguration(), "Where DNS answers come from."),
        .section("dkim", \.dkim, DKIMConfiguration.keys, default: DKIMConfiguration(), "How mail of the relay's own users is signed."),
        .section("bounces", \.bounces, BounceConfiguration.keys, default: BounceConfiguration(), "How senders hear of mail that cannot be delivered."),
        .section("log", \.log, LogConfiguration.keys, default: LogConfiguration(), "What is written to standard output."),
        .section("control", \.control, ControlConfiguration.keys, default: ControlConfiguration(), "The sockets that commands talk to the daemon over."),
        .section("retention", \.retention, RetentionConfiguration.keys, default: RetentionConfiguration(), "How long what is done with is remembered."),
    ] }
}

extension BatonConfiguration {
    /// Reads and checks the file at `path`.
    public static func load(_ path: String, files: FileFacts = .system) throws(ConfigurationError) -> BatonConfiguration {
        guard let text = readFile(path) else {
            throw ConfigurationError([Mistake(file: path, line: 0, column: 0, key: "", message: "the file cannot be read: \(lastSystemError())")])
        }
        return try check(text, file: path, files: files)
    }

    /// Checks the text of a file; all mistakes are reported at once.
    public static func check(_ text: String, file: String, files: FileFacts = .system) throws(ConfigurationError) -> BatonConfiguration {
        var check = Check(file: file, files: files)
        var configuration = BatonConfiguration()
        if let node = YAMLSource.compose(text, &check) {
            check.note("", value: node.position)
            keys.read(node, "", &configuration, &check)
            // Who shortens the life of mail means that of bounces too.
            if !check.isPresent("queue.bounceLifetime") {
                configuration.queue.bounceLifetime = min(configuration.queue.bounceLifetime, configuration.queue.lifetime)
            }
            configuration.verify(&check)
        }
        guard check.mistakes.isEmpty else { throw ConfigurationError(check.mistakes) }
        return configuration
    }

    /// Every path that the file at `path` names, whatever the key: what a process must reach to read it all again.
    public static func paths(in path: String) -> [String] {
        var check = Check(file: path, files: .system)
        var configuration = BatonConfiguration()
        guard let text = readFile(path), let node = YAMLSource.compose(text, &check) else { return [] }
        keys.read(node, "", &configuration, &check)
        return check.paths
    }

    /// What is different in `new`, key by key.
    public func changes(to new: BatonConfiguration) -> [ConfigurationChange] {
        BatonConfiguration.keys.changes(self, new, "")
    }

    /// What is in force after a reload of `new`: keys that need a restart stay as they are here.
    ///
    /// Nil where that is a mistake though `new` is none: relay networks that are safe only with its listeners.
    public func reloaded(with new: BatonConfiguration, files: FileFacts = .system) -> BatonConfiguration? {
        var merged = new
        BatonConfiguration.keys.merge(self, into: &merged)
        var check = Check(file: "", files: files)
        merged.verify(&check)
        return check.mistakes.isEmpty ? merged : nil
    }

    /// The name of the route for recipients at `host` of mail from `reversePath`.
    public func route(for host: MailHost, from reversePath: ReversePath) -> String {
        if let domain = host.domain, let local = domains[domain] { return local.route }
        return rules.first { $0.matches(host, from: reversePath) }?.route ?? BatonConfiguration.defaultRoute
    }

    /// The route of that name; `mx` exists without being in the file.
    public func route(named name: String) -> Route? {
        routes[name] ?? (name == BatonConfiguration.defaultRoute ? .mx : nil)
    }

    /// Who gets mail for `<postmaster>`.
    public var postmaster: EmailAddress {
        if let address = bounces.postmaster { return address }
        // At the name of a host that has no mailboxes, mail would go in circles.
        let homes = domains.keys.filter { hostname.isWithin($0) }
        let home = homes.max { $0.ascii.utf8.count < $1.ascii.utf8.count } ?? hostname
        guard let address = try? EmailAddress(localPart: "postmaster", host: .domain(home)) else {
            preconditionFailure("the check keeps host names short enough")
        }
        return address
    }

    /// Where the accounts are.
    public var accountDatabase: String { authentication.database ?? spool.directory + "/accounts.sqlite" }

    /// Where `baton send` leaves mail while the daemon is down.
    public var maildrop: String { control.maildrop ?? spool.directory + "/maildrop" }
}

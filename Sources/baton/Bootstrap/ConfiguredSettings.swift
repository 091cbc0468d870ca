import Configuration
import DNS
import Delivery
import MailAuth
import MailQueue
import MessageFormat
import Ports
import Receiving
import SMTP
import Sockets
import Storage

/// What each part of the daemon is told, out of the one configuration.
extension BatonConfiguration {
    /// Settings of the log.
    var logSettings: LogSettings {
        var settings = LogSettings()
        settings.segmentBytes = spool.segmentSize
        settings.slackBytes = spool.slack
        settings.eventRetention = retention.events
        return settings
    }

    /// Settings of the queue and its scheduler; notifications use the words of `templates`.
    func queueSettings(templates: DSNTemplates) -> QueueSettings {
        var settings = QueueSettings(hostName: hostname, postmaster: postmaster)
        settings.reportAuthor = bounces.from
        settings.templates = templates
        settings.scheduler = schedulerSettings
        settings.maxMessages = queue.maxMessages
        settings.minFreeBytes = UInt64(spool.minFree)
        settings.bodyMemory = queue.bodyMemory
        settings.maxUncommitted = UInt64(limits.maxUncommitted)
        settings.maxUncommittedTotal = UInt64(limits.maxUncommittedTotal)
        settings.operationGroup = queue.operationGroup
        settings.maxReturnedContent = bounces.maxReturned
        settings.doubleBounces = switch bounces.doubleBounces {
        case .postmaster: .toPostmaster
        case .drop: .dropped
        }
        return settings
    }

    private var schedulerSettings: SchedulerSettings {
        var settings = SchedulerSettings()
        settings.retry.intervals = queue.retrySchedule
        settings.retry.jitter = queue.retryJitter
        settings.retry.lifetime = queue.lifetime
        settings.retry.bounceLifetime = queue.bounceLifetime
        settings.retry.delayNotices = queue.delayNotices
        settings.maxInFlight = queue.maxActive
        settings.maxResolving = queue.maxResolving
        settings.initialSiteConcurrency = min(delivery.initialConnectionsPerSite, delivery.maxConnectionsPerSite)
        settings.maxSiteConcurrency = delivery.maxConnectionsPerSite
        return settings
    }

    /// Settings of the door to the queue.
    var cleanupSettings: CleanupSettings {
        var settings = CleanupSettings(hostName: hostname)
        settings.maxHops = limits.maxHops
        settings.maxRecipients = queue.maxExpandedRecipients
        settings.maxAliasDepth = queue.maxAliasDepth
        settings.clientInTrace = authentication.hidesClient ? .hiddenForSubmission : .shown
        settings.forwarding = forwardingRules
        return settings
    }

    /// Settings of the sessions of `listener`.
    func serverSettings(of listener: ListenerConfiguration) -> ServerSettings {
        let limits = listener.limits(over: limits)
        var settings = ServerSettings()
        settings.hostname = hostname.ascii
        // The addresses that we rewrite ourselves must find their way back.
        if forwarding.srsSecretFile != nil { settings.addressLimits.localPart = SRS.maxLocalPart }
        settings.dialect = switch listener.dialect {
        case .smtp: .smtp
        case .submission: .submission
        case .lmtp: .lmtp
        }
        settings.maxMessageSize = limits.maxMessageSize
        settings.maxCommandLine = limits.maxCommandLine
        settings.maxTextLine = limits.maxBodyLine
        settings.headerLimits = HeaderLimits(octets: limits.maxHeaderSize, fields: limits.maxHeaderFields)
        settings.maxHops = limits.maxHops
        settings.maxRecipients = limits.maxRecipients
        settings.maxMessages = limits.maxMessagesPerConnection
        settings.softErrorLimit = limits.softErrors
        settings.hardErrorLimit = limits.hardErrors
        settings.errorDelay = limits.errorDelay
        settings.maxJunkCommands = limits.maxJunkCommands
        settings.commandTimeout = limits.idleTimeout
        settings.minDataRate = limits.minDataRate
        settings.authentication = authenticationSettings(of: listener)
        return settings
    }

    /// Settings of the receiving side as a whole.
    var receivingSettings: ReceivingSettings {
        var settings = ReceivingSettings()
        settings.maxConnections = limits.maxConnections
        settings.maxConnectionsPerClient = limits.maxConnectionsPerClient
        settings.maxConnectionRate = limits.maxConnectionsPerClientAndMinute
        settings.stressTimeout = limits.stressIdleTimeout
        return settings
    }

    /// Settings of deliveries by SMTP and LMTP.
    var smtpAgentSettings: SMTPAgentSettings {
        var settings = SMTPAgentSettings(heloName: hostname.ascii)
        settings.connectTimeout = delivery.timeouts.connect
        settings.maxAddresses = delivery.maxAddressesTried
        settings.maxSessions = delivery.maxSessionsTried
        settings.idleTimeout = delivery.keepAlive
        settings.maxConnectionAge = delivery.maxConnectionAge
        settings.maxIdleConnections = delivery.maxIdleConnections
        settings.addressPreference = switch delivery.addressPreference {
        case .ipv4First: .ipv4First
        case .ipv6First: .ipv6First
        case .ipv4Only: .ipv4Only
        case .ipv6Only: .ipv6Only
        }
        settings.maxMessagesPerConnection = delivery.maxMessagesPerConnection
        for address in delivery.sourceAddresses {
            switch address {
            case .v4: settings.sourceIPv4 = address
            case .v6: settings.sourceIPv6 = address
            }
        }
        settings.session.greetingTimeout = delivery.timeouts.greeting
        settings.session.ehloTimeout = delivery.timeouts.ehlo
        settings.session.mailTimeout = delivery.timeouts.mail
        settings.session.rcptTimeout = delivery.timeouts.rcpt
        settings.session.dataTimeout = delivery.timeouts.data
        settings.session.blockTimeout = delivery.timeouts.block
        settings.session.endOfDataTimeout = delivery.timeouts.finalDot
        settings.session.resetTimeout = delivery.timeouts.rset
        settings.session.quitTimeout = delivery.timeouts.quit
        settings.session.maxRecipients = delivery.maxRecipientsPerTransaction
        settings.session.eightBitHandling = switch delivery.eightBit {
        case .send: .sendAsIs
        case .bounce: .bounce
        }
        return settings
    }

    /// Settings of deliveries into Maildirs.
    var maildirSettings: MaildirSettings {
        var settings = MaildirSettings(hostName: hostname.ascii, copiesAtOnce: delivery.mailboxThreads)
        for (domain, local) in domains {
            if let separator = local.subaddressSeparator?.utf8.first { settings.subaddressSeparators[domain.ascii] = separator }
        }
        return settings
    }

    /// The routes, and which mail takes which.
    var routingTable: RoutingTable {
        let names = Set(routes.keys).union([BatonConfiguration.defaultRoute]).sorted()
        let index = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        let table = names.compactMap { name in
            route(named: name).map { Delivery.Route(name: name, transport: transport(of: $0)) }
        }
        return RoutingTable(routes: table) { host, reversePath in
            index[self.route(for: host, from: reversePath)] ?? index[BatonConfiguration.defaultRoute] ?? 0
        }
    }

    private func transport(of route: Configuration.Route) -> Delivery.Route.Transport {
        switch route {
        case .mx: .mx(port: UInt16(clamping: delivery.mxPort))
        case .smarthost(let hosts, let tls): .smartHost(hosts.map { HopHost($0, tls) })
        case .lmtp(let hosts, let tls): .lmtp(hosts.map { HopHost($0, tls) })
        case .maildir(let path): .maildir(path: path)
        case .sandbox(let path): .sandbox(path: path)
        case .discard: .discard
        case .reject(let reply):
            .reject(Reply(reply.code, EnhancedStatusCode(UInt8(clamping: reply.enhancedClass), UInt16(clamping: reply.enhancedSubject),
                                                         UInt16(clamping: reply.enhancedDetail)), reply.text))
        }
    }

    /// What this host is called and where it listens, so that it does not deliver to itself.
    var ownHost: OwnHost {
        let endpoints = listeners.filter { $0.dialect != .lmtp }.flatMap(\.address.endpoints)
        return OwnHost(names: [hostname.ascii], addresses: Set(delivery.sourceAddresses), listeners: endpoints)
    }

    /// Where DNS answers come from.
    func makeResolver() throws -> any Resolver {
        if let zone = dns.zone { return ZoneResolver(try Zone(contentsOf: zone)) }
        var settings = UnboundSettings()
        settings.upstream = switch dns.forwarders {
        case .rootServers: .rootServers
        case .system: .system(resolvConf: "/etc/resolv.conf")
        case .forwarders(let servers): .forwarders(servers)
        }
        settings.trustAnchorFile = dns.trustAnchor
        settings.hostsFile = dns.hostsFile
        settings.timeout = dns.timeout
        settings.maxOutstanding = dns.maxOutstanding
        return try UnboundResolver(settings)
    }
}

extension HopHost {
    /// A host of a configured route.
    init(_ host: RouteHost, _ tls: RouteTLS) {
        switch host {
        case .name(let name, let port): self.init(.name(name.ascii), port: port)
        case .address(let address, let port): self.init(.address(address), port: port)
        case .unix(let path): self.init(.unix(path: path), port: 0)
        }
        self.tls = switch tls.level {
        case .none: .none
        case .opportunistic: .opportunistic
        case .encrypt: .encrypt
        case .verify: .verify(names: [name])
        }
        tlsStart = tls.implicit ?? (port == HopHost.implicitTLSPort) ? .implicit : .startTLS
    }

    /// Submissions, with TLS from the first octet on (RFC 8314 §3.3).
    private static let implicitTLSPort: UInt16 = 465
}

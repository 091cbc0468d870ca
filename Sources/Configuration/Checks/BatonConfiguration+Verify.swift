import MessageFormat
import Ports

extension BatonConfiguration {
    /// The longest host name: `MAILER-DAEMON@` before it must still be an address (RFC 5321 §4.5.3.1.3).
    private static let maxHostnameOctets = 200

    /// Reports what is right key by key and wrong together.
    func verify(_ check: inout Check) {
        if check.isPresent("hostname"), !hostname.ascii.contains("."), hostname.ascii != "localhost" {
            check.report("hostname", "expected a fully qualified name such as \(hostname).example.org")
        } else if hostname.ascii.utf8.count > BatonConfiguration.maxHostnameOctets {
            check.report("hostname", "expected at most \(BatonConfiguration.maxHostnameOctets) octets")
        }
        verifyListeners(&check)
        verifyDomains(&check)
        verifyRules(&check)
        verifyCredentials(&check)
        verifyOrder(&check)
        verifyFiles(&check)
        verifyAliases(&check)
        verifyRelaying(&check)
    }

    private func verifyListeners(_ check: inout Check) {
        for (index, listener) in listeners.enumerated() {
            if let other = listeners[..<index].firstIndex(where: { $0.address.collides(with: listener.address) }) {
                check.report("listeners[\(index)].address", "'\(listener.address)' is taken by listeners[\(other)] ('\(listeners[other].address)')")
            }
        }
        for (key, path) in [("control.socket", control.socket), ("control.submitSocket", control.submitSocket)]
        where path.utf8.count > HostAndPort.maxUnixPathOctets {
            check.report(key, "expected a socket path of at most \(HostAndPort.maxUnixPathOctets) octets")
        }
        if control.socket == control.submitSocket {
            check.report(check.isPresent("control.submitSocket") ? "control.submitSocket" : "control.socket",
                         "control.socket and control.submitSocket must differ")
        }
    }

    private func verifyDomains(_ check: inout Check) {
        for (domain, local) in domains {
            let path = "domains.\(domain)"
            verifyRoute(local.route, "\(path).route", &check)
            if let route = route(named: local.route), route == .mx {
                check.report("\(path).route", "the domain is local: its mail exchange is this host, so that mail would go in circles")
            }
            if let pattern = relayDomains.firstIndex(where: { $0.matches(domain) }) {
                check.report("relayDomains[\(pattern)]", "'\(domain)' is a local domain (domains.\(domain)); it cannot be relayed too")
            }
        }
    }

    private func verifyCredentials(_ check: inout Check) {
        for (index, entry) in credentials.enumerated() {
            verifyRoute(entry.route, "credentials[\(index)].route", &check)
            if let route = route(named: entry.route), case .smarthost = route { continue }
            if route(named: entry.route) != nil {
                check.report("credentials[\(index)].route", "'\(entry.route)' does not lead to smart hosts")
            }
        }
    }

    private func verifyRules(_ check: inout Check) {
        for (index, rule) in rules.enumerated() {
            verifyRoute(rule.route, "rules[\(index)].route", &check)
            if rule.recipients.isEmpty, rule.senders.isEmpty, index + 1 < rules.count {
                check.report("rules[\(index)]", "this rule fits all mail: rules[\(index + 1)] and later ones would never be reached")
            }
            for (place, pattern) in rule.recipients.patterns.enumerated() where !pattern.isBelow && domains[pattern.domain] != nil {
                check.report("rules[\(index)].recipients[\(place)]",
                             "'\(pattern)' is a local domain: its mail goes by domains.\(pattern.domain).route, never by a rule")
            }
        }
    }

    private func verifyRoute(_ name: String, _ path: String, _ check: inout Check) {
        // An unreadable name or route has been reported where it stands.
        guard !name.isEmpty, route(named: name) == nil, !check.isPresent("routes.\(name)") else { return }
        let names = (routes.keys + [BatonConfiguration.defaultRoute]).sorted()
        let hint = NearestKey.find(name, among: names).map { "did you mean '\($0)'?" } ?? "routes are \(names.joined(separator: ", "))"
        check.report(path, "there is no route '\(name)'; \(hint)")
    }

    /// Reports limits that contradict each other.
    private func verifyOrder(_ check: inout Check) {
        func atMost(_ key: String, _ isOrdered: Bool, _ other: String) {
            let place = check.isPresent(key) || !check.isPresent(other) ? key : other
            if !isOrdered { check.report(place, "\(key) must not be more than \(other)") }
        }
        atMost("queue.bounceLifetime", queue.bounceLifetime <= queue.lifetime, "queue.lifetime")
        for (index, age) in queue.delayNotices.enumerated() {
            // The default notice is simply never due in a queue of a shorter life.
            guard check.isPresent("queue.delayNotices") else { break }
            atMost("queue.delayNotices[\(index)]", age <= queue.lifetime, "queue.lifetime")
        }
        atMost("delivery.initialConnectionsPerSite", delivery.initialConnectionsPerSite <= delivery.maxConnectionsPerSite,
               "delivery.maxConnectionsPerSite")
        atMost("limits.softErrors", limits.softErrors <= limits.hardErrors, "limits.hardErrors")
        atMost("limits.stressIdleTimeout", limits.stressIdleTimeout <= limits.idleTimeout, "limits.idleTimeout")
        atMost("limits.maxMessageSize", limits.maxMessageSize <= limits.maxUncommitted, "limits.maxUncommitted")
        atMost("limits.maxUncommitted", limits.maxUncommitted <= limits.maxUncommittedTotal, "limits.maxUncommittedTotal")
        atMost("limits.maxHeaderSize", limits.maxHeaderSize <= limits.maxMessageSize, "limits.maxMessageSize")
        for (index, listener) in listeners.enumerated() {
            atMost("listeners[\(index)].maxMessageSize", listener.limits(over: limits).maxMessageSize <= limits.maxUncommitted,
                   "limits.maxUncommitted")
            atMost("listeners[\(index)].maxConnections", listener.limits(over: limits).maxConnections <= limits.maxConnections,
                   "limits.maxConnections")
        }
        if spool.segmentSize % 4096 != 0 { check.report("spool.segmentSize", "expected a multiple of 4KiB") }
        if spool.minFree / 2 < spool.segmentSize {
            check.report(check.isPresent("spool.minFree") || !check.isPresent("spool.segmentSize") ? "spool.minFree" : "spool.segmentSize",
                         "spool.minFree must be at least twice spool.segmentSize: deliveries need room in the log when mail gets none")
        }
        let families = delivery.sourceAddresses.map { address in if case .v4 = address.unmapped { 4 } else { 6 } }
        if Set(families).count < families.count {
            check.report("delivery.sourceAddresses", "expected at most one IPv4 and one IPv6 address")
        }
        if dns.zone != nil, check.isPresent("dns.forwarders") {
            check.reportKey("dns.forwarders", "has no meaning beside dns.zone: nothing is asked of the network")
        }
    }
}

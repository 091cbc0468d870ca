import Configuration
import MessageFormat
import Ports
import Testing

@Suite struct BatonConfigurationTests {
    static func read(_ text: String, file: String = "baton.yaml") throws -> BatonConfiguration {
        try BatonConfiguration.check("hostname: Mail.Example.ORG\nlisteners: [{address: \":25\"}]\n" + text, file: file, files: .everything)
    }

    @Test("Every limit and timeout has the default that the field research gives")
    func defaults() throws {
        let configuration = try BatonConfigurationTests.read("")
        #expect(configuration.hostname.ascii == "mail.example.org")
        #expect(configuration.listeners[0].address.endpoints.map(\.description) == ["0.0.0.0:25", "[::]:25"])
        #expect(configuration.relayNetworks.map(\.description) == ["127.0.0.0/8", "::1/128"])
        let limits = configuration.limits
        #expect(limits.maxMessageSize == 50 << 20 && limits.maxHeaderSize == 256 << 10 && limits.maxHeaderFields == 1000)
        #expect(limits.maxCommandLine == 2048 && limits.maxBodyLine == 1 << 20 && limits.maxRecipients == 1000)
        #expect(limits.maxMessagesPerConnection == 100 && limits.maxHops == 50 && limits.softErrors == 10 && limits.hardErrors == 20)
        #expect(limits.errorDelay == .seconds(1) && limits.maxJunkCommands == 100 && limits.maxConnectionsPerClient == 20)
        #expect(limits.maxConnectionsPerClientAndMinute == 60 && limits.idleTimeout == .minutes(5) && limits.stressIdleTimeout == .seconds(10))
        #expect(limits.minDataRate == 500)
        let queue = configuration.queue
        #expect(queue.lifetime == .days(5) && queue.bounceLifetime == .days(2) && queue.delayNotices == [.hours(4)] && queue.maxActive == 20_000)
        let delivery = configuration.delivery, timeouts = delivery.timeouts
        #expect(timeouts.connect == .seconds(30) && timeouts.greeting == .minutes(5) && timeouts.ehlo == .minutes(5))
        #expect(timeouts.mail == .minutes(5) && timeouts.rcpt == .minutes(5) && timeouts.data == .minutes(2) && timeouts.block == .minutes(3))
        #expect(timeouts.finalDot == .minutes(10) && timeouts.rset == .seconds(20) && timeouts.quit == .seconds(10))
        #expect(delivery.maxConnectionsPerSite == 20 && delivery.maxAddressesTried == 5 && delivery.maxSessionsTried == 2)
        #expect(delivery.maxRecipientsPerTransaction == 100 && delivery.maxMessagesPerConnection == 100 && delivery.eightBit == .send)
        #expect(configuration.bounces.maxReturned == 50_000)
        #expect(configuration.retention == RetentionConfiguration() && configuration.retention.events == .days(30))
        #expect(configuration.postmaster.description == "postmaster@mail.example.org")
        #expect(configuration.maildrop == "/var/lib/baton/maildrop")
        #expect(configuration.route(named: "mx") == .mx)
    }

    @Test func valuesOfEveryKind() throws {
        let configuration = try BatonConfigurationTests.read("""
            relayNetworks: [192.0.2.0/24, 198.51.100.7]
            routes:
              dovecot: {type: lmtp, hosts: ["unix:/run/dovecot/lmtp", mail.example, "[2001:db8::1]:2424"]}
              provider: {type: smarthost, hosts: smtp.provider.example}
              gone: {type: reject, reply: 551 5.1.6 Moved to example.net}
              no: {type: reject}
              caught: {type: sandbox, path: caught}
              mails: {type: maildir, path: "mail/{domain}/{user}"}
            queue:
              retrySchedule: [90s, 1h30m, 36h]
            """, file: "/etc/baton/baton.yaml")
        #expect(configuration.relayNetworks.map(\.description) == ["192.0.2.0/24", "198.51.100.7/32"])
        let mail = try Domain(parsing: "mail.example"), smtp = try Domain(parsing: "smtp.provider.example")
        let v6 = try #require(IPAddress("2001:db8::1"))
        #expect(configuration.routes["dovecot"] == .lmtp([.unix(path: "/run/dovecot/lmtp"), .name(mail, port: 24), .address(v6, port: 2424)]))
        #expect(configuration.routes["provider"] == .smarthost([.name(smtp, port: 25)]))
        #expect(configuration.routes["caught"] == .sandbox(path: "/etc/baton/caught"))
        #expect(configuration.routes["mails"] == .maildir(path: "/etc/baton/mail/{domain}/{user}"))
        guard case .reject(let reply) = configuration.routes["gone"], case .reject(let plain) = configuration.routes["no"] else {
            Issue.record("no reject route")
            return
        }
        #expect(reply.description == "551 5.1.6 Moved to example.net")
        #expect(plain.code == 550)
        #expect(configuration.queue.retrySchedule == [.seconds(90), .minutes(90), .hours(36)])
    }

    @Test func listenersOverrideLimits() throws {
        let configuration = try BatonConfiguration.check("""
            hostname: mail.example.org
            listeners: [{address: ":25"}, {address: ":587", dialect: submission, maxMessageSize: 100MiB, idleTimeout: 1m}]
            limits: {maxMessageSize: 10MiB}
            """, file: "baton.yaml", files: .everything)
        #expect(configuration.listeners[0].limits(over: configuration.limits) == configuration.limits)
        let limits = configuration.listeners[1].limits(over: configuration.limits)
        #expect(limits.maxMessageSize == 100 << 20 && limits.idleTimeout == .minutes(1) && limits.maxRecipients == 1000)
    }

    static let routed: [(String, String?, String)] = [
        ("x@local.example", "boss@example.org", "here"), ("x@anywhere.example", "boss@example.org", "first"),
        ("x@anywhere.example", "BOSS@example.org", "first"), ("x@anywhere.example", "other@example.org", "second"),
        ("x@anywhere.example", "other@sub.example.org", "mx"), ("x@deep.hub.example", "a@b.example", "second"),
        ("x@hub.example", "a@b.example", "mx"), ("x@anywhere.example", nil, "third"),
        ("x@[192.0.2.1]", "a@b.example", "mx"),
    ]

    @Test("Local domains first, then the first rule that fits, then mx", arguments: routed)
    func rules(recipient: String, sender: String?, route: String) throws {
        let configuration = try BatonConfigurationTests.read("""
            domains: {local.example: {route: here, mailboxes: "*"}}
            routes: {here: {type: discard}, first: {type: discard}, second: {type: discard}, third: {type: discard}}
            rules:
              - {senders: boss@example.org, route: first}
              - {senders: example.org, route: second}
              - {recipients: ["*.hub.example"], route: second}
              - {senders: "<>", route: third}
            """)
        let reversePath = try sender.map { ReversePath.mailbox(try EmailAddress(parsing: $0)) } ?? .null
        let found = configuration.route(for: try EmailAddress(parsing: recipient).host, from: reversePath)
        #expect(found == route)
    }

    @Test func nothingChanges() throws {
        let configuration = try BatonConfigurationTests.read("queue: {lifetime: 4d}")
        #expect(configuration.changes(to: configuration).isEmpty)
        #expect(configuration.changes(to: try BatonConfigurationTests.read("queue: {lifetime: 96h}")).isEmpty)
    }

    @Test("A reload leaves alone what needs a restart, within listeners too")
    func reloadKeepsWhatNeedsARestart() throws {
        func read(_ text: String) throws -> BatonConfiguration {
            try BatonConfiguration.check(text, file: "baton.yaml", files: .everything)
        }
        let old = try read("""
            hostname: mail.example.org
            listeners: [{address: ":25"}, {address: ":587", maxRecipients: 200}]
            spool: {segmentSize: 32MiB}
            dns: {hostsFile: /etc/hosts.old}
            """)
        let new = try read("""
            hostname: mx.example.org
            listeners: [{address: ":2525"}, {address: ":587", maxMessageSize: 1MiB, maxConnections: 5}]
            spool: {segmentSize: 16MiB, minFree: 1GiB}
            queue: {lifetime: 4d}
            """)
        let merged = try #require(old.reloaded(with: new, files: .everything))
        #expect(merged.hostname == old.hostname && merged.spool.segmentSize == 32 << 20 && merged.dns.hostsFile == old.dns.hostsFile)
        #expect(merged.spool.minFree == 1 << 30 && merged.queue.lifetime == .days(4))
        #expect(merged.listeners.map(\.address.description) == [":25", ":587"])
        #expect(merged.listeners[1].maxMessageSize == 1 << 20 && merged.listeners[1].maxRecipients == nil)
        #expect(merged.listeners[1].maxConnections == nil)
        #expect(merged.changes(to: new).allSatisfy { $0.effect == .restart })
        #expect(old.changes(to: merged).allSatisfy { $0.effect == .live })
        #expect(old.reloaded(with: old, files: .everything) == old)
    }

    @Test("What is safe only with the new listeners waits for them")
    func reloadNeverOpensARelay() throws {
        let old = try BatonConfigurationTests.read("queue: {lifetime: 4d}")
        let new = try BatonConfiguration.check("""
            hostname: mail.example.org
            listeners: [{address: "127.0.0.1:25"}]
            relayNetworks: 0.0.0.0/0
            """, file: "baton.yaml", files: .everything)
        #expect(old.reloaded(with: new, files: .everything) == nil)
    }

    @Test func changesAreNamedWithTheirEffect() throws {
        let old = try BatonConfiguration.check("""
            hostname: mail.example.org
            listeners: [{address: ":25"}, {address: ":587"}]
            queue: {lifetime: 5d}
            domains: {a.example: {route: r, mailboxes: [a]}, b.example: {route: r, mailboxes: [a]}}
            routes: {r: {type: discard}}
            """, file: "baton.yaml", files: .everything)
        let new = try BatonConfiguration.check("""
            hostname: mx.example.org
            listeners: [{address: ":2525"}, {address: ":587", maxMessageSize: 1MiB, maxConnections: 5}]
            queue: {lifetime: 4d, retrySchedule: 1h}
            domains: {a.example: {route: r, mailboxes: [a, b]}, c.example: {route: r, mailboxes: [a]}}
            routes: {r: {type: maildir, path: "/mail/{domain}/{user}"}}
            delivery: {timeouts: {connect: 10s}}
            dns: {trustAnchor: none, hostsFile: /etc/hosts.txt}
            """, file: "baton.yaml", files: .everything)
        let changes = old.changes(to: new)
        #expect(changes.map { "\($0.effect): \($0)" } == [
            "restart: hostname: mail.example.org -> mx.example.org",
            "restart: listeners[:25]: {address: \":25\", dialect: smtp} -> (none)",
            "restart: listeners[:2525]: (none) -> {address: \":2525\", dialect: smtp}",
            "live: listeners[:587].maxMessageSize: (none) -> 1MiB",
            "restart: listeners[:587].maxConnections: (none) -> 5",
            "live: domains.a.example.mailboxes: [a] -> [a, b]",
            "live: domains.b.example: {route: r} -> (none)",
            "live: domains.c.example: (none) -> {route: r}",
            "live: routes.r: {type: discard} -> {type: maildir, path: \"/mail/{domain}/{user}\"}",
            "live: queue.lifetime: 5d -> 4d",
            "live: queue.retrySchedule: [1m, 2m, 5m, 10m, 20m, 40m, 1h, 2h, 4h] -> [1h]",
            "live: delivery.timeouts.connect: 30s -> 10s",
            "restart: dns.trustAnchor: /usr/share/dns/root.key -> none",
            "restart: dns.hostsFile: (none) -> /etc/hosts.txt",
        ])
    }
}

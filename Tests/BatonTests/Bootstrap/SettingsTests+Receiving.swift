@testable import baton
import Configuration
import Delivery
import MailQueue
import MessageFormat
import Ports
@testable import Receiving
import SMTP

/// Keys of who may send what to whom, and by which way it leaves.
extension SettingsTests {
    static let top: [Effect] = [
        Effect("relayDomains", "[backup.example]") { try verdict("x@backup.example", $0) == .accept },
        Effect("relayNetworks", "[192.0.2.0/24]") { $0.addressRules.relayNetworks.map(\.description) == ["192.0.2.0/24"] },
        Effect("aliases", "{info@example.org: x@elsewhere.example}") {
            try $0.addressRules.expansion(of: address("info@example.org")) == [address("x@elsewhere.example")]
        },
        Effect("rules[].recipients", { try configuration("rules: [{recipients: hub.example, route: r}]") }) {
            try transport("x@hub.example", $0) == .discard && transport("x@other.example", $0) == .mx(port: 25)
        },
        Effect("rules[].senders", { try configuration("rules: [{senders: boss@example.org, route: r}]") }) {
            try transport("x@hub.example", from: "boss@example.org", $0) == .discard && transport("x@hub.example", $0) == .mx(port: 25)
        },
        Effect("rules[].route", { try configuration("rules: [{route: r}]") }) { try transport("x@hub.example", $0) == .discard },
    ]

    static let listeners: [Effect] = [
        Effect("listeners[].proxyProtocol", { try configuration(listener: "proxyProtocol: 10.0.0.0/8") }) {
            policy($0).proxyNetworks?.map(\.description) == ["10.0.0.0/8"]
        },
        Effect("listeners[].xclient", { try configuration(listener: "xclient: 10.0.0.0/8") }) {
            policy($0).xclientNetworks.map(\.description) == ["10.0.0.0/8"]
        },
        Effect("listeners[].xforward", { try configuration(listener: "xforward: 10.0.0.0/8") }) {
            policy($0).xforwardNetworks.map(\.description) == ["10.0.0.0/8"]
        },
        Effect("listeners[].maxMessageSize", { try configuration(listener: "maxMessageSize: 1MiB") }) { session($0).maxMessageSize == 1 << 20 },
        Effect("listeners[].maxRecipients", { try configuration(listener: "maxRecipients: 200") }) { session($0).maxRecipients == 200 },
        Effect("listeners[].maxConnectionsPerClient", { try configuration(listener: "maxConnectionsPerClient: 2") }) {
            policy($0).maxConnectionsPerClient == 2
        },
        Effect("listeners[].maxMessagesPerConnection", { try configuration(listener: "maxMessagesPerConnection: 3") }) { session($0).maxMessages == 3 },
        Effect("listeners[].idleTimeout", { try configuration(listener: "idleTimeout: 1m") }) { session($0).commandTimeout == .minutes(1) },
    ]

    static let domains: [Effect] = [
        Effect("domains.NAME.route", { try configuration(domain: "route: s", routes: "r: {type: discard}, s: {type: sandbox, path: /s}") }) {
            try transport("alice@example.org", $0) == .sandbox(path: "/s")
        },
        Effect("domains.NAME.mailboxes", { try configuration(mailboxes: "[alice, bob]") }) {
            try verdict("Bob+tag@example.org", $0) == .accept
        },
        Effect("domains.NAME.subaddressSeparator", { try configuration(domain: "route: r, subaddressSeparator: \"-\"") }) {
            try verdict("alice-tag@example.org", $0) == .accept && $0.maildirSettings.subaddressSeparators == ["example.org": UInt8(ascii: "-")]
        },
        Effect("domains.NAME.catchAll", { try configuration(domain: "route: r, catchAll: alice") }) {
            try $0.addressRules.expansion(of: address("typo@example.org")) == [address("alice@example.org")]
        },
        Effect("domains.NAME.aliases", { try configuration(domain: "route: r, aliases: {sales: [alice, x@elsewhere.example]}") }) {
            try $0.addressRules.expansion(of: address("sales+x@example.org")) == [address("alice@example.org"), address("x@elsewhere.example")]
        },
    ]

    static let routes: [Effect] = [
        Effect("routes.NAME.type", { try configuration(routes: "r: {type: reject}") }) {
            guard case .reject = try transport("alice@example.org", $0) else { return false }
            return true
        },
        Effect("routes.NAME.hosts", { try configuration(routes: "r: {type: lmtp, hosts: \"unix:/run/lmtp\"}") }) {
            try transport("alice@example.org", $0) == .lmtp([HopHost(.unix(path: "/run/lmtp"), port: 0)])
        },
        Effect("routes.NAME.path", { try configuration(routes: "r: {type: maildir, path: \"/m/{user}\"}") }) {
            try transport("alice@example.org", $0) == .maildir(path: "/m/{user}")
        },
        Effect("routes.NAME.reply", { try configuration(routes: "r: {type: reject, reply: 551 5.1.6 Moved}") }) {
            try transport("alice@example.org", $0) == .reject(Reply(551, .init(5, 1, 6), "Moved"))
        },
    ]

    static let limits: [Effect] = [
        Effect("limits.maxMessageSize", "1MiB") { session($0).maxMessageSize == 1 << 20 },
        Effect("limits.maxHeaderSize", "32KiB") { session($0).headerLimits.octets == 32 << 10 },
        Effect("limits.maxHeaderFields", "200") { session($0).headerLimits.fields == 200 },
        Effect("limits.maxBodyLine", "2000") { session($0).maxTextLine == 2000 },
        Effect("limits.maxCommandLine", "600") { session($0).maxCommandLine == 600 },
        Effect("limits.maxRecipients", "200") { session($0).maxRecipients == 200 },
        Effect("limits.maxMessagesPerConnection", "3") { session($0).maxMessages == 3 },
        Effect("limits.maxHops", "20") { session($0).maxHops == 20 && $0.cleanupSettings.maxHops == 20 },
        Effect("limits.softErrors", "3") { session($0).softErrorLimit == 3 },
        Effect("limits.hardErrors", "30") { session($0).hardErrorLimit == 30 },
        Effect("limits.errorDelay", "2s") { session($0).errorDelay == .seconds(2) },
        Effect("limits.maxJunkCommands", "7") { session($0).maxJunkCommands == 7 },
        Effect("limits.maxConnectionsPerClient", "2") { $0.receivingSettings.maxConnectionsPerClient == 2 },
        Effect("limits.maxConnectionsPerClientAndMinute", "5") { $0.receivingSettings.maxConnectionRate == 5 },
        Effect("limits.idleTimeout", "1m") { session($0).commandTimeout == .minutes(1) },
        Effect("limits.stressIdleTimeout", "5s") { $0.receivingSettings.stressTimeout == .seconds(5) },
        Effect("limits.minDataRate", "100") { session($0).minDataRate == 100 },
        Effect("limits.maxUncommitted", "64MiB") { queueSettings($0).maxUncommitted == 64 << 20 },
        Effect("limits.maxUncommittedTotal", "1GiB") { queueSettings($0).maxUncommittedTotal == 1 << 30 },
    ]
}

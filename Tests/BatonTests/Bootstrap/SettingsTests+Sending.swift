@testable import baton
import Configuration
import Delivery
import MailQueue
import Ports
import Receiving
import SMTP

/// Keys of how mail waits, leaves and comes back.
extension SettingsTests {
    static let queue: [Effect] = [
        Effect("queue.lifetime", "4d") { queueSettings($0).scheduler.retry.lifetime == .days(4) },
        Effect("queue.bounceLifetime", "1d") { queueSettings($0).scheduler.retry.bounceLifetime == .days(1) },
        Effect("queue.retrySchedule", "[1m, 1h]") { queueSettings($0).scheduler.retry.intervals == [.minutes(1), .hours(1)] },
        Effect("queue.retryJitter", "20%") { queueSettings($0).scheduler.retry.jitter == 0.2 },
        Effect("queue.delayNotices", "[1h]") { queueSettings($0).scheduler.retry.delayNotices == [.hours(1)] },
        Effect("queue.maxMessages", "10") { queueSettings($0).maxMessages == 10 },
        Effect("queue.maxActive", "11") { queueSettings($0).scheduler.maxInFlight == 11 },
        Effect("queue.maxResolving", "12") { queueSettings($0).scheduler.maxResolving == 12 },
        Effect("queue.bodyMemory", "2MiB") { queueSettings($0).bodyMemory == 2 << 20 },
        Effect("queue.operationGroup", "7") { queueSettings($0).operationGroup == 7 },
        Effect("queue.maxExpandedRecipients", "13") { $0.cleanupSettings.maxRecipients == 13 },
        Effect("queue.maxAliasDepth", "4") { $0.cleanupSettings.maxAliasDepth == 4 },
    ]

    private static func tls(_ entry: String) throws -> BatonConfiguration { try configuration("delivery: {tls: [{\(entry)}]}") }

    static let delivery: [Effect] = [
        Effect("delivery.maxConnectionsPerSite", "30") { queueSettings($0).scheduler.maxSiteConcurrency == 30 },
        Effect("delivery.initialConnectionsPerSite", "2") { queueSettings($0).scheduler.initialSiteConcurrency == 2 },
        Effect("delivery.maxRecipientsPerTransaction", "9") { $0.smtpAgentSettings.session.maxRecipients == 9 },
        Effect("delivery.maxMessagesPerConnection", "8") { $0.smtpAgentSettings.maxMessagesPerConnection == 8 },
        Effect("delivery.keepAlive", "7s") { $0.smtpAgentSettings.idleTimeout == .seconds(7) },
        Effect("delivery.maxConnectionAge", "6m") { $0.smtpAgentSettings.maxConnectionAge == .minutes(6) },
        Effect("delivery.maxIdleConnections", "5") { $0.smtpAgentSettings.maxIdleConnections == 5 },
        Effect("delivery.maxAddressesTried", "4") { $0.smtpAgentSettings.maxAddresses == 4 },
        Effect("delivery.maxSessionsTried", "3") { $0.smtpAgentSettings.maxSessions == 3 },
        Effect("delivery.mxPort", "2525") { try transport("x@elsewhere.example", $0) == .mx(port: 2525) },
        Effect("delivery.sourceAddresses", "[192.0.2.1, \"2001:db8::1\"]") {
            $0.smtpAgentSettings.sourceIPv4 == IPAddress("192.0.2.1") && $0.smtpAgentSettings.sourceIPv6 == IPAddress("2001:db8::1")
                && $0.ownHost.addresses.count == 2
        },
        Effect("delivery.addressPreference", "ipv6Only") { $0.smtpAgentSettings.addressPreference == .ipv6Only },
        Effect("delivery.eightBit", "bounce") { $0.smtpAgentSettings.session.eightBitHandling == .bounce },
        Effect("delivery.dane", "false") { !$0.delivery.dane },
        Effect("delivery.tls[].destinations", { try tls("destinations: [one.example], level: encrypt") }) {
            $0.tlsLevel("one.example") == .encrypt && $0.tlsLevel("other.example") == .auto
        },
        Effect("delivery.tls[].level", { try tls("destinations: [one.example], level: none") }) { $0.tlsLevel("one.example") == .none },
        Effect("delivery.timeouts.connect", "11s") { $0.smtpAgentSettings.connectTimeout == .seconds(11) },
        Effect("delivery.timeouts.greeting", "12s") { $0.smtpAgentSettings.session.greetingTimeout == .seconds(12) },
        Effect("delivery.timeouts.ehlo", "13s") { $0.smtpAgentSettings.session.ehloTimeout == .seconds(13) },
        Effect("delivery.timeouts.mail", "14s") { $0.smtpAgentSettings.session.mailTimeout == .seconds(14) },
        Effect("delivery.timeouts.rcpt", "15s") { $0.smtpAgentSettings.session.rcptTimeout == .seconds(15) },
        Effect("delivery.timeouts.data", "16s") { $0.smtpAgentSettings.session.dataTimeout == .seconds(16) },
        Effect("delivery.timeouts.block", "17s") { $0.smtpAgentSettings.session.blockTimeout == .seconds(17) },
        Effect("delivery.timeouts.finalDot", "18s") { $0.smtpAgentSettings.session.endOfDataTimeout == .seconds(18) },
        Effect("delivery.timeouts.rset", "19s") { $0.smtpAgentSettings.session.resetTimeout == .seconds(19) },
        Effect("delivery.timeouts.quit", "21s") { $0.smtpAgentSettings.session.quitTimeout == .seconds(21) },
    ]

    static let rest: [Effect] = [
        Effect("spool.minFree", "256MiB") { queueSettings($0).minFreeBytes == 256 << 20 },
        Effect("bounces.postmaster", "alice@example.org") {
            try queueSettings($0).postmaster == address("alice@example.org") && $0.addressRules.postmaster == address("alice@example.org")
        },
        Effect("bounces.from", "bounces@example.org") { try queueSettings($0).reportAuthor == address("bounces@example.org") },
        Effect("bounces.templates", "/nowhere") { (try? $0.makeTemplates()) == nil },
        Effect("bounces.maxReturned", "1KiB") { queueSettings($0).maxReturnedContent == 1024 },
        Effect("bounces.doubleBounces", "drop") { queueSettings($0).doubleBounces == .dropped },
        Effect("log.format", "json") { LogFormat($0.log.format) == .json },
        Effect("log.level", "debug") { $0.log.level == .debug },
    ]
}

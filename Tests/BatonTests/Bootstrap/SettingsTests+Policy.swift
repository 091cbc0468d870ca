@testable import baton
import Configuration
import Ports
@testable import Receiving

/// Keys of the rules against abuse.
extension SettingsTests {
    /// The rules at the only listener.
    static func rules(_ configuration: BatonConfiguration) -> PolicySettings { configuration.policySettings(of: configuration.listeners[0]) }

    private static func limit(_ text: String) throws -> BatonConfiguration {
        try configuration("policy: {limits: [{name: n, count: messages, by: sender, max: 7\(text.isEmpty ? "" : ", " + text)}]}")
    }

    private static func list(_ text: String) throws -> BatonConfiguration {
        try configuration("policy: {dnsLists: {lists: [{zone: l.example\(text.isEmpty ? "" : ", " + text)}]}}")
    }

    private static func firstList(_ configuration: BatonConfiguration) -> DNSList? { rules(configuration).dnsLists.lists.first }

    static let abuse: [Effect] = [
        Effect("listeners[].rulesOff", { try configuration(listener: "rulesOff: [limits]") }) { rules($0).limits.isEmpty },
        Effect("policy.tableSize", "5000") { $0.policy.tableSize == 5000 },
        Effect("policy.limits[].name", { try limit("") }) { rules($0).limits.first?.name == "n" },
        Effect("policy.limits[].count", { try limit("") }) { rules($0).limits.first?.measure == .messages },
        Effect("policy.limits[].by", { try limit("") }) { rules($0).limits.first?.subject == .sender },
        Effect("policy.limits[].max", { try limit("") }) { rules($0).limits.first?.max == 7 },
        Effect("policy.limits[].window", { try limit("window: 3m") }) { rules($0).limits.first?.window == .minutes(3) },
        Effect("policy.limits[].mode", { try limit("mode: log") }) { rules($0).limits.first?.mode == .log },
        Effect("policy.dnsLists.lists[].zone", { try list("") }) { firstList($0)?.zone == "l.example" },
        Effect("policy.dnsLists.lists[].weight", { try list("weight: 3") }) { firstList($0)?.weight == 3 },
        Effect("policy.dnsLists.lists[].good", { try list("good: true") }) { firstList($0)?.weight == -10 },
        Effect("policy.dnsLists.lists[].answers", { try list("answers: 127.0.0.4/30") }) { firstList($0)?.answers.map(\.description) == ["127.0.0.4/30"] },
        Effect("policy.dnsLists.lists[].mask", { try list("mask: 6") }) { firstList($0)?.mask == 6 },
        Effect("policy.dictionary.mode", "log") { rules($0).dictionary.mode == .log },
        Effect("policy.dictionary.max", "7") { rules($0).dictionary.max == 7 },
        Effect("policy.dictionary.window", "7s") { rules($0).dictionary.window == .seconds(7) },
        Effect("policy.dictionary.penalty", "7s") { rules($0).dictionary.penalty == .seconds(7) },
        Effect("policy.earlyTalker.mode", "log") { rules($0).earlyTalker.mode == .log },
        Effect("policy.earlyTalker.greetingDelay", "7s") { rules($0).earlyTalker.greetingDelay == .seconds(7) },
        Effect("policy.tarpit.mode", "log") { rules($0).tarpit.mode == .log },
        Effect("policy.tarpit.delay", "7s") { rules($0).tarpit.delay == .seconds(7) },
        Effect("policy.tarpit.maxWaiting", "7") { rules($0).tarpit.maxWaiting == 7 },
        Effect("policy.dnsLists.mode", "log") { rules($0).dnsLists.mode == .log },
        Effect("policy.dnsLists.refuseAt", "7") { rules($0).dnsLists.refuseAt == 7 },
        Effect("policy.dnsLists.trustAt", "7") { rules($0).dnsLists.trustAt == -7 },
        Effect("policy.dnsLists.timeout", "7s") { rules($0).dnsLists.timeout == .seconds(7) },
        Effect("policy.hello.ownName", "log") { rules($0).hello.ownName == .log },
        Effect("policy.hello.literal", "enforce") { rules($0).hello.literal == .enforce },
        Effect("policy.hello.unqualified", "enforce") { rules($0).hello.unqualified == .enforce },
        Effect("policy.hello.unresolved", "log") { rules($0).hello.unresolved == .log },
        Effect("policy.reverseName.missing", "enforce") { rules($0).reverseName.missing == .enforce },
        Effect("policy.reverseName.unconfirmed", "enforce") { rules($0).reverseName.unconfirmed == .enforce },
        Effect("policy.greylist.mode", "log") { rules($0).greylist.mode == .log },
        Effect("policy.greylist.delay", "7s") { rules($0).greylist.delay == .seconds(7) },
        Effect("policy.greylist.patience", "70m") { rules($0).greylist.patience == .minutes(70) },
        Effect("policy.greylist.memory", "7h") { rules($0).greylist.memory == .hours(7) },
        Effect("policy.greylist.passesToTrust", "7") { rules($0).greylist.passesToTrust == 7 },
        Effect("policy.breaker.mode", "log") { rules($0).breaker.mode == .log },
        Effect("policy.breaker.window", "7m") { rules($0).breaker.window == .minutes(7) },
        Effect("policy.breaker.maxRecipients", "7") { rules($0).breaker.maxRecipients == 7 },
        Effect("policy.breaker.maxNewRecipients", "7") { rules($0).breaker.maxNewRecipients == 7 },
        Effect("policy.breaker.maxBounceShare", "7%") { rules($0).breaker.maxBounceShare == 0.07 },
        Effect("policy.breaker.minResults", "7") { rules($0).breaker.minResults == 7 },
        Effect("policy.recipientVerification.mode", "log") { rules($0).recipientVerification.mode == .log },
        Effect("policy.recipientVerification.timeout", "7s") { rules($0).recipientVerification.timeout == .seconds(7) },
        Effect("policy.recipientVerification.goodLifetime", "7m") { rules($0).recipientVerification.goodLifetime == .minutes(7) },
        Effect("policy.recipientVerification.badLifetime", "7m") { rules($0).recipientVerification.badLifetime == .minutes(7) },
        Effect("policy.senderVerification.mode", "log") { rules($0).senderVerification.mode == .log },
        Effect("policy.senderVerification.timeout", "7s") { rules($0).senderVerification.timeout == .seconds(7) },
        Effect("policy.senderVerification.goodLifetime", "7m") { rules($0).senderVerification.goodLifetime == .minutes(7) },
        Effect("policy.senderVerification.badLifetime", "7m") { rules($0).senderVerification.badLifetime == .minutes(7) },
    ]
}

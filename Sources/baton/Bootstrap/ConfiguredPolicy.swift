import Configuration
import MessageFormat
import Receiving

extension BatonConfiguration {
    /// The rules against abuse at `listener`.
    func policySettings(of listener: ListenerConfiguration) -> PolicySettings {
        var settings = PolicySettings()
        func isOn(_ group: PolicyGroup) -> Bool { !listener.rulesOff.contains(group) }
        settings.limits = isOn(.limits) ? policy.limits.map(LimitRule.init) : []
        if isOn(.dictionary) {
            settings.dictionary.mode = RuleMode(policy.dictionary.mode)
            settings.dictionary.max = policy.dictionary.max
            settings.dictionary.window = policy.dictionary.window
            settings.dictionary.penalty = policy.dictionary.penalty
        }
        if isOn(.earlyTalker) {
            settings.earlyTalker.mode = RuleMode(policy.earlyTalker.mode)
            settings.earlyTalker.greetingDelay = policy.earlyTalker.greetingDelay
        }
        if isOn(.tarpit) {
            settings.tarpit.mode = RuleMode(policy.tarpit.mode)
            settings.tarpit.delay = policy.tarpit.delay
            settings.tarpit.maxWaiting = policy.tarpit.maxWaiting
        }
        if isOn(.breaker) {
            settings.breaker.mode = RuleMode(policy.breaker.mode)
            settings.breaker.window = policy.breaker.window
            settings.breaker.maxRecipients = policy.breaker.maxRecipients
            settings.breaker.maxNewRecipients = policy.breaker.maxNewRecipients
            settings.breaker.maxBounceShare = policy.breaker.maxBounceShare
            settings.breaker.minResults = policy.breaker.minResults
        }
        // Clients of users are at home behind bad addresses and call themselves what they like: who may send is told by their login.
        if listener.dialect == .smtp { addRulesForServers(to: &settings, isOn: isOn) }
        return settings
    }

    private func addRulesForServers(to settings: inout PolicySettings, isOn: (PolicyGroup) -> Bool) {
        if isOn(.dnsLists) {
            settings.dnsLists.mode = RuleMode(policy.dnsLists.mode)
            settings.dnsLists.lists = policy.dnsLists.lists.map(DNSList.init)
            settings.dnsLists.refuseAt = policy.dnsLists.refuseAt
            settings.dnsLists.trustAt = -policy.dnsLists.trustAt
            settings.dnsLists.timeout = policy.dnsLists.timeout
        }
        if isOn(.hello) {
            settings.hello.ownName = RuleMode(policy.hello.ownName)
            settings.hello.literal = RuleMode(policy.hello.literal)
            settings.hello.unqualified = RuleMode(policy.hello.unqualified)
            settings.hello.unresolved = RuleMode(policy.hello.unresolved)
            settings.ownNames = Set([hostname.ascii, "localhost", "localhost.localdomain"] + domains.keys.map(\.ascii))
        }
        if isOn(.reverseName) {
            settings.reverseName.missing = RuleMode(policy.reverseName.missing)
            settings.reverseName.unconfirmed = RuleMode(policy.reverseName.unconfirmed)
        }
        if isOn(.greylist) {
            settings.greylist.mode = RuleMode(policy.greylist.mode)
            settings.greylist.delay = policy.greylist.delay
            settings.greylist.patience = policy.greylist.patience
            settings.greylist.memory = policy.greylist.memory
            settings.greylist.passesToTrust = policy.greylist.passesToTrust
        }
        if isOn(.recipientVerification) { settings.recipientVerification = VerificationRule(policy.recipientVerification) }
        if isOn(.senderVerification) { settings.senderVerification = VerificationRule(policy.senderVerification) }
    }
}

extension VerificationRule {
    init(_ rule: CalloutConfiguration) {
        self.init()
        mode = RuleMode(rule.mode)
        timeout = rule.timeout
        goodLifetime = rule.goodLifetime
        badLifetime = rule.badLifetime
    }
}

extension DNSList {
    init(_ list: DNSListConfiguration) {
        self.init(zone: list.zone.ascii, weight: list.isGood ? -list.weight : list.weight, answers: list.answers,
                  mask: UInt8(clamping: list.mask))
    }
}

extension RuleMode {
    init(_ mode: PolicyMode) {
        self = switch mode {
        case .enforce: .enforce
        case .log: .log
        case .off: .off
        }
    }
}

extension LimitRule {
    init(_ limit: PolicyLimit) {
        let measure: Measure = switch limit.count {
        case .connections: .connections
        case .connectionRate: .connectionRate
        case .messages: .messages
        case .recipients: .recipients
        case .authFailures: .authFailures
        case .errors: .errors
        case .bytes: .bytes
        }
        let subject: Subject = switch limit.by {
        case .client: .client
        case .network: .network
        case .account: .account
        case .sender: .sender
        case .recipient: .recipient
        }
        self.init(name: limit.name, mode: RuleMode(limit.mode), measure: measure, subject: subject, max: limit.max, window: limit.window)
    }
}

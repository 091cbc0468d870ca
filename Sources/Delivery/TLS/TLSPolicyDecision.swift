import MailAuth

/// What the configuration asks of connections to a destination.
public enum TLSLevel: String, Hashable, Sendable, CaseIterable {
    /// What the destination publishes: DANE, else MTA-STS, else TLS where it works.
    case auto
    /// In the clear.
    case none
    /// TLS where it works, whatever the destination publishes.
    case opportunistic
    /// TLS, with any certificate.
    case encrypt
    /// TLS, with a certificate that leads to a trusted root and is for the host.
    case verify
    /// TLS, proven by DANE.
    case dane
}

/// What a message says about TLS (RFC 8689).
public enum MessageTLS: Hashable, Sendable {
    /// Nothing.
    case ordinary
    /// REQUIRETLS: rather not at all than without.
    case required
    /// `TLS-Required: No`: rather without than not at all.
    case waived
}

/// Everything that decides how connections to one host are protected.
public struct TLSPolicyFacts: Hashable, Sendable {
    /// What the configuration asks for.
    public var level: TLSLevel
    /// The domain that the mail is for.
    public var domain: String
    /// The host, as its MX record names it.
    public var host: String
    /// Whether DNSSEC proves that the host takes the domain's mail.
    public var isHostProven: Bool
    /// What DNS says of DANE.
    public var dane: DANEFinding
    /// The domain's MTA-STS policy.
    public var mtaSTS: MTASTSFinding

    /// Facts.
    public init(level: TLSLevel = .auto, domain: String, host: String, isHostProven: Bool = false, dane: DANEFinding = .none,
                mtaSTS: MTASTSFinding = MTASTSFinding()) {
        self.level = level
        self.domain = domain
        self.host = host
        self.isHostProven = isHostProven
        self.dane = dane
        self.mtaSTS = mtaSTS
    }
}

extension TLSPolicy {
    /// How connections to the host of `facts` must be protected, for a message that says this.
    ///
    /// The configuration goes before the message, and the message before what the destination publishes;
    /// of that DANE goes before MTA-STS (RFC 8461 §2).
    public init(_ facts: TLSPolicyFacts, for message: MessageTLS) {
        switch (facts.level, message) {
        case (.none, .required): self = .withheld(.clearByConfiguration)
        case (.none, .ordinary), (.none, .waived): self = .none
        case (.opportunistic, .ordinary), (.opportunistic, .waived), (.auto, .waived): self = .opportunistic
        case (.encrypt, .ordinary), (.encrypt, .waived): self = .encrypt
        case (.verify, .ordinary), (.verify, .waived): self = .verify(names: [facts.host])
        case (.dane, _): self = TLSPolicy.proven(facts)
        case (.auto, .ordinary): self = TLSPolicy.published(facts)
        case (.auto, .required), (.opportunistic, .required), (.encrypt, .required), (.verify, .required):
            self = TLSPolicy.required(facts)
        }
    }

    private static func published(_ facts: TLSPolicyFacts) -> TLSPolicy {
        switch facts.dane {
        // Without an answer nobody knows whether plaintext is an attacker's wish.
        case .unavailable(let problem): return .withheld(.daneUnknown(problem))
        case .policy(let policy): return .dane(policy)
        case .none: break
        }
        guard let policy = facts.mtaSTS.policy, policy.mode != .none else { return .opportunistic }
        let rule = MTASTSRule(domain: facts.domain, host: facts.host, policy: policy)
        if policy.mode == .enforce, !rule.permitsHost { return .withheld(.notInMTASTSPolicy) }
        return .mtaSTS(rule)
    }

    private static func proven(_ facts: TLSPolicyFacts) -> TLSPolicy {
        switch facts.dane {
        case .unavailable(let problem): .withheld(.daneUnknown(problem))
        case .policy(let policy): policy.isUsable ? .dane(policy) : .withheld(.noUsableTLSA)
        case .none: .withheld(.noUsableTLSA)
        }
    }

    /// RFC 8689 §4.2.1: the host is proven to be the domain's, and its certificate to be the host's.
    private static func required(_ facts: TLSPolicyFacts) -> TLSPolicy {
        switch facts.dane {
        case .unavailable(let problem): return .withheld(.daneUnknown(problem))
        case .policy(let policy) where policy.isUsable: return .dane(policy)
        case .policy, .none: break
        }
        if let policy = facts.mtaSTS.policy, policy.mode != .none {
            return policy.permits(facts.host) ? .verify(names: [facts.host]) : .withheld(.notInMTASTSPolicy)
        }
        return facts.isHostProven ? .verify(names: [facts.host]) : .withheld(.hostNotProven)
    }
}

/// An MTA-STS policy, applied to one of the domain's hosts.
public struct MTASTSRule: Hashable, Sendable {
    /// The domain of the policy.
    public var domain: String
    /// The host.
    public var host: String
    /// The policy.
    public var policy: MTASTSPolicy

    /// A rule.
    public init(domain: String, host: String, policy: MTASTSPolicy) {
        self.domain = domain
        self.host = host
        self.policy = policy
    }

    /// Whether the policy names the host.
    public var permitsHost: Bool { policy.permits(host) }
    /// Whether failures keep mail from being sent (RFC 8461 §5).
    public var isEnforced: Bool { policy.mode == .enforce }
}

/// Why no connection to a host is made for the sake of TLS.
public enum TLSObstacle: Hashable, Sendable, CustomStringConvertible {
    /// It cannot be known now whether the host has TLSA records.
    case daneUnknown(DANEProblem)
    /// The configuration asks for DANE, and no usable record is there.
    case noUsableTLSA
    /// The domain's MTA-STS policy does not name the host.
    case notInMTASTSPolicy
    /// REQUIRETLS: nothing proves that the host is the domain's (RFC 8689 §4.2.1).
    case hostNotProven
    /// REQUIRETLS: the host does not offer it under TLS.
    case requireTLSNotOffered
    /// REQUIRETLS: the configuration sends to this destination in the clear.
    case clearByConfiguration

    /// Whether trying later may help.
    public var isTemporary: Bool {
        switch self {
        case .daneUnknown, .noUsableTLSA, .notInMTASTSPolicy: true
        case .hostNotProven, .requireTLSNotOffered, .clearByConfiguration: false
        }
    }

    /// For people, as the end of "TLS policy: ".
    public var description: String {
        switch self {
        case .daneUnknown(let problem): "the TLSA records of the host cannot be told (\(problem))"
        case .noUsableTLSA: "DANE is configured for this destination, and the host has no usable TLSA records"
        case .notInMTASTSPolicy: "the host is not in the MTA-STS policy of the domain"
        case .hostNotProven: "REQUIRETLS is asked for, and neither DNSSEC nor MTA-STS proves the mail hosts of the domain"
        case .requireTLSNotOffered: "REQUIRETLS is asked for, and the host does not offer it"
        case .clearByConfiguration: "REQUIRETLS is asked for, and mail to this destination is configured to go in the clear"
        }
    }
}

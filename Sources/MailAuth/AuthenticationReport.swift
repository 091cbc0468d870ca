import MessageFormat

/// What all methods say of one message.
public struct AuthenticationReport: Sendable {
    /// Whether a message was checked, not only an envelope.
    public var hasMessage = false
    /// What SPF says of the reverse-path, or of the HELO name where that is null; nil without a client address.
    public var spf: SPFResult?
    /// What was asked of SPF.
    public var spfRequest: SPFRequest?
    /// What DKIM says of each signature, from top to bottom.
    public var dkim: [DKIMResult] = []
    /// What ARC says of the chain.
    public var arc = ARCResult(.none, instance: nil, reason: "there is no message")
    /// What DMARC says of the Author Domain.
    public var dmarc = DMARCResult(.none, domain: nil, reason: "there is no message")
    /// The author; nil where there is none, or more than one.
    public var author: AuthorIdentity?
    /// Why there is no single author: such mail should be refused.
    public var authorError: AuthorError?
    /// The trusted sealer whose word stands in for DMARC, where its chain is whole and DMARC failed here (RFC 8617 §7.2.1).
    public var trustedSealer: Domain?

    /// The results for `Authentication-Results` of `service` (RFC 8601).
    public func authenticationResults(service: String) -> AuthenticationResults {
        var methods: [AuthenticationResults.Method] = []
        if let spf, let spfRequest { methods.append(spf.method(spfRequest)) }
        guard hasMessage else { return AuthenticationResults(service: service, methods: methods) }
        methods += dkim.isEmpty ? [AuthenticationResults.Method("dkim", AuthenticationResult.none, reason: "no signature")] : dkim.map(\.method)
        methods.append(dmarcMethod)
        methods.append(arcMethod)
        return AuthenticationResults(service: service, methods: methods)
    }

    /// DMARC's result (RFC 9989 §9.2, RFC 8601 §2.7).
    private var dmarcMethod: AuthenticationResults.Method {
        var comment: String?
        if let policy = dmarc.policy, let disposition = dmarc.disposition { comment = "p=\(policy.rawValue) dis=\(disposition.rawValue)" }
        let properties = dmarc.domain.map { [AuthenticationResults.Property("header", "from", $0.ascii)] } ?? []
        let reason = dmarc.result == .pass ? nil : dmarc.reason
        var method = AuthenticationResults.Method("dmarc", dmarc.result, comment: comment, reason: reason, properties)
        if let policy = dmarc.policy { method.properties.append(.init("polrec", "p", policy.rawValue)) }
        if let domain = dmarc.policyDomain, domain != dmarc.domain?.ascii { method.properties.append(.init("polrec", "domain", domain)) }
        return method
    }

    /// ARC's result (RFC 8617 §10.1).
    private var arcMethod: AuthenticationResults.Method {
        var method = AuthenticationResults.Method("arc", arc.result, reason: arc.result == .fail ? arc.reason : nil)
        if let oldest = arc.oldestPass { method.properties.append(.init("header", "oldest-pass", String(oldest))) }
        return method
    }
}

extension DKIMResult {
    /// This result for `Authentication-Results` (RFC 8601 §2.7.1, RFC 6008).
    public var method: AuthenticationResults.Method {
        var properties: [AuthenticationResults.Property] = []
        if let domain { properties.append(.init("header", "d", domain.ascii)) }
        if let identity { properties.append(.init("header", "i", identity)) }
        if let selector { properties.append(.init("header", "s", selector)) }
        if let algorithm { properties.append(.init("header", "a", algorithm.rawValue)) }
        if let signaturePrefix, !signaturePrefix.isEmpty { properties.append(.init("header", "b", signaturePrefix)) }
        return AuthenticationResults.Method("dkim", result, comment: isTesting ? "the domain is testing" : nil, reason: failure?.rawValue, properties)
    }
}

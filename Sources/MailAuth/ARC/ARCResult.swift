import MessageFormat

/// What ARC says of a message: the chain validation status, and who sealed it (RFC 8617 §5.2).
public struct ARCResult: Hashable, Sendable {
    /// One set of the chain.
    public struct Link: Hashable, Sendable {
        /// Its instance.
        public let instance: Int
        /// The domain that sealed it.
        public let sealer: Domain
        /// What the sealer found out, as its `ARC-Authentication-Results` tell it; nil where that cannot be read.
        public let results: AuthenticationResults?
    }

    /// `none`, `pass` or `fail`; `temperror` where a key could not be had for now.
    public var result: AuthenticationResult
    /// The highest instance; nil where there is no set.
    public var instance: Int?
    /// The lowest instance whose message signature still verifies; 0 when all do (RFC 8617 §5.2 step 5).
    public var oldestPass: Int?
    /// Whether the last sealer found the chain broken: nobody may add a set to it (RFC 8617 §5.1).
    public var isClosed = false
    /// The sets of a chain that passes, the oldest first.
    public var chain: [Link] = []
    /// Why, for people.
    public var reason: String

    /// A result without a chain.
    public init(_ result: AuthenticationResult, instance: Int?, reason: String) {
        self.result = result
        self.instance = instance
        self.reason = reason
    }

    /// The sealer whose word on DMARC may stand in for ours, which breaks where mail is forwarded (RFC 8617 §7.2.1).
    ///
    /// From the last set back, every sealer must be trusted, up to the first that says `dmarc=pass` for `author`.
    public func trustedSealer(of trusted: Set<Domain>, author: Domain) -> Domain? {
        guard result == .pass else { return nil }
        for link in chain.reversed() {
            guard trusted.contains(link.sealer) else { return nil }
            for method in link.results?.methods ?? [] where method.method == "dmarc" && method.result == "pass" {
                let from = method.properties.first { $0.type == "header" && $0.name == "from" }
                if let from, (try? Domain(parsing: from.value)) == author { return link.sealer }
            }
        }
        return nil
    }
}

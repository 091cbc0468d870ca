import MessageFormat

/// Which of the mail that goes on is sealed.
public enum SealedMail: String, Hashable, Sendable, CaseIterable {
    case forwarded, relayed
}

/// How mail that goes on to other hosts is sealed.
public struct SealConfiguration: Hashable, Sendable {
    /// The domain that seals.
    public var domain = Domain.localhost
    /// The selector of the key in `keyFile`.
    public var selector: String?
    /// The file of the private key; nil for a key of the domain in `dkim.directory`.
    public var keyFile: String?
    /// Which mail is sealed.
    public var mail = SealedMail.forwarded

    /// The documented defaults.
    public init() {}

    static var keys: [Key<SealConfiguration>] { [
        .required("domain", \.domain, .domain, "The domain that seals: the `d=` of the sets."),
        .optional("selector", \.selector, .text(maxOctets: 253), "The selector of the key in `keyFile`, under which it is published as DKIM keys are."),
        .optional("keyFile", \.keyFile, .path("file"), otherwise: "the domain's active key in `dkim.directory`, RSA before Ed25519",
                  "The private key (PEM), which nobody but Baton may read. Read at the start and at every reload."),
        .value("mail", \.mail, .choice,
               "`forwarded` seals messages that an alias leads out of our domains; `relayed` also those for `relayDomains`."),
    ] }

    static var type: ValueType<SealConfiguration> {
        .section("seal", "", keys, initial: SealConfiguration()) { "{domain: \($0.domain.ascii)}" } verify: { seal, path, check in
            if (seal.keyFile == nil) != (seal.selector == nil) { check.report(path, "'selector' and 'keyFile' belong together: expected both or neither") }
        }
    }
}

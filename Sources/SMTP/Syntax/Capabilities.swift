/// The service extensions that a server offers in its answer to EHLO or LHLO (RFC 5321 §4.1.1.1).
///
/// The server builds its reply from this and the client parses the reply into it.
public struct Capabilities: Hashable, Sendable {
    /// `SIZE`, with or without a limit (RFC 1870).
    public enum Size: Hashable, Sendable {
        /// The keyword is missing: the extension is not offered.
        case absent
        /// `SIZE` or `SIZE 0`: offered, no fixed limit.
        case unlimited
        /// `SIZE n`: messages of up to `n` octets.
        case octets(Int)
    }

    /// `LIMITS` (RFC 9422 §4); nil members are not limited.
    public struct Limits: Hashable, Sendable {
        /// `RCPTMAX`: recipients in one transaction.
        public var recipientsPerTransaction: Int?
        /// `MAILMAX`: transactions in one session.
        public var transactionsPerSession: Int?
        /// `RCPTDOMAINMAX`: recipient domains in one transaction.
        public var domainsPerTransaction: Int?

        /// The limits as named.
        public init(recipientsPerTransaction: Int? = nil, transactionsPerSession: Int? = nil,
                    domainsPerTransaction: Int? = nil) {
            self.recipientsPerTransaction = recipientsPerTransaction
            self.transactionsPerSession = transactionsPerSession
            self.domainsPerTransaction = domainsPerTransaction
        }
    }

    /// `PIPELINING` (RFC 2920).
    public var pipelining = false
    /// `SIZE` (RFC 1870).
    public var size = Size.absent
    /// `8BITMIME` (RFC 6152).
    public var eightBitMIME = false
    /// `BINARYMIME` (RFC 3030).
    public var binaryMIME = false
    /// `CHUNKING` (RFC 3030).
    public var chunking = false
    /// `SMTPUTF8` (RFC 6531).
    public var smtpUTF8 = false
    /// `DSN` (RFC 3461).
    public var dsn = false
    /// `ENHANCEDSTATUSCODES` (RFC 2034).
    public var enhancedStatusCodes = false
    /// `STARTTLS` (RFC 3207).
    public var startTLS = false
    /// `REQUIRETLS` (RFC 8689).
    public var requireTLS = false
    /// `LIMITS` (RFC 9422).
    public var limits: Limits?
    /// `AUTH`: the mechanisms in upper case, empty when not offered (RFC 4954).
    public var authentication: [String] = []
    /// `XCLIENT`: the attributes in upper case, empty when not offered (Postfix's XCLIENT_README).
    public var xclient: [String] = []
    /// `XFORWARD`: the attributes in upper case, empty when not offered (Postfix's XFORWARD_README).
    public var xforward: [String] = []

    /// Nothing offered, as after HELO.
    public init() {}
}

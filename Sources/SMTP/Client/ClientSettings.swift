import Ports

/// What a client session may do and how long it waits; the defaults are those of RFC 5321 §4.5.3.2.
public struct ClientSettings: Hashable, Sendable {
    /// When STARTTLS is used (RFC 3207).
    public enum StartTLSUse: Hashable, Sendable {
        /// Never, even when offered.
        case never
        /// When the server offers it; a refusal is passed over.
        case whenOffered
        /// Always: a server that does not offer it or refuses it gets no mail.
        case required
    }

    /// What becomes of 8-bit content at a server without 8BITMIME (RFC 6152).
    public enum EightBitHandling: Hashable, Sendable {
        /// It goes out as it was received.
        case sendAsIs
        /// It is refused with 5.6.3.
        case bounce
    }

    /// The wait for the greeting (RFC 5321 §4.5.3.2.1).
    public var greetingTimeout: Duration = .minutes(5)
    /// The wait for the reply to EHLO, HELO or LHLO.
    public var ehloTimeout: Duration = .minutes(5)
    /// The wait for the reply to STARTTLS, and for the handshake after it.
    public var startTLSTimeout: Duration = .minutes(2)
    /// The wait for each reply to AUTH (RFC 4954).
    public var authenticationTimeout: Duration = .minutes(2)
    /// The wait for the reply to MAIL (RFC 5321 §4.5.3.2.2).
    public var mailTimeout: Duration = .minutes(5)
    /// The wait for the reply to RCPT (RFC 5321 §4.5.3.2.3).
    public var rcptTimeout: Duration = .minutes(5)
    /// The wait for the reply to DATA (RFC 5321 §4.5.3.2.4).
    public var dataTimeout: Duration = .minutes(2)
    /// The time that one block of the message may take (RFC 5321 §4.5.3.2.5).
    public var blockTimeout: Duration = .minutes(3)
    /// The wait for the reply to the final dot (RFC 5321 §4.5.3.2.6).
    public var endOfDataTimeout: Duration = .minutes(10)
    /// The wait for the reply to RSET.
    public var resetTimeout: Duration = .seconds(20)
    /// The wait for the reply to QUIT.
    public var quitTimeout: Duration = .seconds(10)
    /// Recipients of one transaction, at most (RFC 5321 §4.5.3.1.8); a server's RCPTMAX can lower it.
    public var maxRecipients = 100
    /// When STARTTLS is used.
    public var startTLS: StartTLSUse = .never
    /// Who this client is to the server; nil where nobody asks.
    public var authentication: ClientAuthentication?
    /// What becomes of 8-bit content at a server without 8BITMIME.
    public var eightBitHandling: EightBitHandling = .sendAsIs

    /// The documented defaults.
    public init() {}
}

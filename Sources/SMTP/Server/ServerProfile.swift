import MessageFormat

/// Settings in the form that sessions share: made once for a listener, used by all its connections.
public final class ServerProfile: Sendable {
    /// The settings.
    public let settings: ServerSettings
    /// The greeting (RFC 5321 §4.2, §4.3.1).
    let greeting: [UInt8]
    /// The answer to HELO.
    let heloReply: [UInt8]
    /// The answers to EHLO or LHLO, by permissions and by whether TLS can still be started, AUTH be used and TLS is up.
    private let helloReplies: [[UInt8]]
    let parser: CommandParser

    /// Prepares `settings` for use.
    public init(_ settings: ServerSettings) {
        self.settings = settings
        let product = settings.dialect == .lmtp ? "LMTP Baton" : "ESMTP Baton"
        greeting = Reply(220, nil, "\(settings.hostname) \(product)").wire
        heloReply = Reply(250, nil, settings.hostname).wire
        parser = CommandParser(paths: PathParser(brackets: settings.brackets, limits: settings.addressLimits))
        helloReplies = (0..<64).map { index in
            var capabilities = ServerProfile.capabilities(settings, Permissions(rawValue: UInt8(index & 7)),
                                                          offersStartTLS: index & 8 != 0, offersAuthentication: index & 16 != 0)
            // In the clear the offer would mean nothing (RFC 8689 §2); LMTP is the end of the way.
            capabilities.requireTLS = index & 32 != 0 && settings.dialect != .lmtp
            return Reply(code: 250, lines: [settings.hostname] + capabilities.keywordLines).wire
        }
    }

    func helloReply(_ permissions: Permissions, offersStartTLS: Bool, offersAuthentication: Bool, isTLS: Bool) -> [UInt8] {
        helloReplies[Int(permissions.rawValue & 7) | (offersStartTLS ? 8 : 0) | (offersAuthentication ? 16 : 0) | (isTLS ? 32 : 0)]
    }

    /// What EHLO and LHLO offer under `settings`.
    static func capabilities(_ settings: ServerSettings, _ permissions: Permissions, offersStartTLS: Bool,
                             offersAuthentication: Bool) -> Capabilities {
        var offer = Capabilities()
        offer.pipelining = true
        offer.size = .octets(settings.maxMessageSize)
        offer.startTLS = offersStartTLS
        if offersAuthentication, let authentication = settings.authentication {
            offer.authentication = authentication.mechanisms.filter { $0 != .external || permissions.contains(.external) }.map(\.rawValue)
        }
        offer.enhancedStatusCodes = true
        offer.eightBitMIME = true
        offer.dsn = true
        offer.smtpUTF8 = true
        offer.chunking = true
        offer.binaryMIME = true
        // Limits of LIMITS have at most six digits (RFC 9422 §3).
        offer.limits = Capabilities.Limits(
            recipientsPerTransaction: settings.maxRecipients <= 999_999 ? settings.maxRecipients : nil,
            transactionsPerSession: settings.maxMessages <= 999_999 ? settings.maxMessages : nil)
        if permissions.contains(.xclient) { offer.xclient = ClientAttribute.xclientNames.map(\.rawValue) }
        if permissions.contains(.xforward) { offer.xforward = ClientAttribute.xforwardNames.map(\.rawValue) }
        return offer
    }
}

/// What a client may do beside sending mail; given by the host from where the client is.
public struct Permissions: OptionSet, Hashable, Sendable {
    /// The permissions as bits.
    public var rawValue: UInt8

    /// The permissions in the bits of `rawValue`.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Use XCLIENT: appear as another client.
    public static let xclient = Permissions(rawValue: 1)
    /// Use XFORWARD: tell whom a message came from.
    public static let xforward = Permissions(rawValue: 2)
    /// Authenticate by EXTERNAL: the client has shown a certificate that is trusted.
    public static let external = Permissions(rawValue: 4)
}

import MessageFormat
import Ports

/// Where a session stands with AUTH.
struct AuthenticationState {
    /// The exchange that is going on.
    var exchange: ServerExchange?
    /// Exchanges that failed.
    var failures = 0
}

// MARK: - AUTH (RFC 4954)

extension ServerSession {
    /// The mechanism of the exchange that is going on.
    public var mechanism: SASLMechanism? { authentication.exchange?.mechanism }

    /// Whether AUTH can be used now.
    var offersAuthentication: Bool {
        guard let settings = profile.settings.authentication else { return false }
        return identity.login == nil && (isTLS || settings.protection == .optional)
    }

    /// Whether a client of that name for itself is to authenticate before it sends.
    var requiresAuthentication: Bool {
        profile.settings.authentication?.use == .required && identity.login == nil
    }

    /// The longest line: responses are longer than commands, as long as any can come.
    var lineOctetsMax: Int {
        let limit = profile.settings.maxCommandLine
        guard identity.login == nil, let settings = profile.settings.authentication else { return limit }
        return max(limit, settings.maxResponse + ServerSession.commandOctets)
    }

    /// Room for `AUTH`, the name of a mechanism and the line end beside the longest initial response.
    private static let commandOctets = 80

    /// Notes whom the client's certificate names, where it has one that is trusted.
    mutating func takeCertificate(of summary: TLSSummary) {
        guard summary.isVerified, !summary.peerNames.isEmpty else { return }
        identity.certifiedNames = summary.peerNames
        permissions.insert(.external)
    }

    /// Begins an exchange.
    mutating func authenticate(_ name: String, _ initialResponse: [UInt8]?) -> ServerAction? {
        guard let settings = profile.settings.authentication else {
            refuse(isInTransaction ? .badSequence : .authenticationNotOffered)
            return nil
        }
        if isInTransaction { refuse(.badSequence); return nil }
        if identity.login != nil { refuse(.alreadyAuthenticated); return nil }
        // AUTH is an extension: who said HELO knows of none.
        if helloName == nil || helloVerb == .helo { refuse(.helloFirst); return nil }
        guard isTLS || settings.protection == .optional else { refuse(.encryptionRequired); return nil }
        guard let mechanism = SASLMechanism(rawValue: name), settings.mechanisms.contains(mechanism),
              mechanism != .external || permissions.contains(.external) else {
            refuse(.unknownMechanism)
            return nil
        }
        var exchange = ServerExchange(mechanism)
        var response: [UInt8]?
        if let initialResponse {
            if initialResponse.count > settings.maxResponse { return fail(.authenticationResponseTooLong) }
            // `=` is the response of no octets (RFC 4954 §4).
            response = initialResponse == [UInt8(ascii: "=")] ? [] : SASLBase64.decode(initialResponse)
            if response == nil { return fail(.badAuthenticationResponse) }
        }
        let step = exchange.begin(response, isLedByHost: settings.lead == .host)
        authentication.exchange = exchange
        return follow(step)
    }

    /// Takes a line that answers a challenge.
    mutating func takeResponse(_ line: [UInt8]) -> ServerAction? {
        guard let settings = profile.settings.authentication, var exchange = authentication.exchange else {
            phase = .command
            return nil
        }
        if line == [UInt8(ascii: "*")] { return fail(.authenticationCancelled) }
        if line.count > settings.maxResponse { return fail(.authenticationResponseTooLong) }
        guard let response = SASLBase64.decode(line) else { return fail(.badAuthenticationResponse) }
        let step = exchange.take(response)
        authentication.exchange = exchange
        return follow(step)
    }

    /// Takes the host's answer to a question of an exchange.
    public mutating func authenticated(_ answer: AuthenticationAnswer) {
        guard case .asking(.authenticate) = phase, var exchange = authentication.exchange else { return }
        phase = .command
        let step = exchange.take(answer)
        authentication.exchange = exchange
        // Whatever an answer leads to, it is not another question: the client comes first.
        _ = follow(step)
    }

    private mutating func follow(_ step: ServerExchange.Step) -> ServerAction? {
        switch step {
        case .challenge(let octets):
            phase = .authenticating
            Reply(334, nil, String(decoding: SASLBase64.encode(octets), as: UTF8.self)).append(to: &output)
            return nil
        case .ask(let request): return ask(.authenticate(request))
        case .malformed: return fail(.badAuthenticationResponse)
        case .refused: return fail(.badCredentials, after: profile.settings.authentication?.failureDelay ?? .zero)
        case .unavailable:
            endExchange()
            Reply.authenticationUnavailable.append(to: &output)
        case .close(let reply):
            endExchange()
            close(.refused, with: reply)
        case .accepted(let account):
            endExchange()
            identity.login = account.name
            authentication.failures = 0
            Reply.authenticated.append(to: &output)
        }
        return nil
    }

    private mutating func endExchange() {
        authentication.exchange = nil
        phase = .command
    }

    /// Ends an exchange that did not succeed; too many of them end the connection.
    mutating func fail(_ reply: Reply, after delay: Duration = .zero) -> ServerAction? {
        endExchange()
        authentication.failures += 1
        if authentication.failures >= profile.settings.authentication?.maxFailures ?? 1 {
            close(.tooManyErrors, with: .tooManyAuthenticationFailures)
        } else if delay > .zero {
            phase = .delaying(reply, until: now + delay)
        } else {
            refuse(reply)
        }
        return nil
    }
}

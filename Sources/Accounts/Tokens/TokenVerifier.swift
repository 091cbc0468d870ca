import Foundation
import JWTKit
import Ports
import SMTP

/// Verifies the tokens of OAuth 2.0 services: JSON web tokens of configured issuers (RFC 7519, RFC 9068).
public final class TokenVerifier: Sendable {
    /// What a token is worth.
    public enum Verdict: Hashable, Sendable {
        /// It stands for this account.
        case valid(AccountName)
        /// It is worth nothing.
        case invalid
        /// The keys of its issuer cannot be had now.
        case unavailable
    }

    private let issuers: [String: TokenIssuer]
    private let keySets: KeySets
    private let clockSkew: Duration

    /// The longest token that is looked at.
    private static let maxOctets = 12_288

    /// A verifier for the tokens of `issuers`.
    public init(issuers: [TokenIssuer], source: KeySetSource, keySetLifetime: Duration = .hours(1), clockSkew: Duration = .minutes(1)) {
        self.issuers = Dictionary(issuers.map { ($0.issuer, $0) }, uniquingKeysWith: { first, _ in first })
        keySets = KeySets(source: source, lifetime: keySetLifetime)
        self.clockSkew = clockSkew
    }

    /// Verifies a token; calls back once, on any thread.
    func verify(_ token: Secret, at now: Timestamp, completion: @escaping @Sendable (Verdict) -> Void) {
        // Which issuer's keys to ask for is all that an unverified token decides.
        guard token.octets.count <= TokenVerifier.maxOctets,
              let claims = try? DefaultJWTParser().parse(token.octets, as: AccessToken.self).payload,
              let issuer = issuers[claims.iss.value] else { return completion(.invalid) }
        keySets.keys(of: issuer, at: now) { [self] keys in
            guard let keys else { return completion(.unavailable) }
            TokenVerifier.verify(token, with: keys) { [self] payload in
                if let payload { return completion(verdict(on: payload, of: issuer, at: now)) }
                // Issuers change their keys, and sign with new ones at once.
                keySets.keys(of: issuer, at: now, doubted: keys) { [self] others in
                    guard let others, others !== keys else { return completion(.invalid) }
                    TokenVerifier.verify(token, with: others) { [self] payload in
                        completion(payload.map { verdict(on: $0, of: issuer, at: now) } ?? .invalid)
                    }
                }
            }
        }
    }

    private func verdict(on payload: AccessToken, of issuer: TokenIssuer, at now: Timestamp) -> Verdict {
        let time = Date(timeIntervalSince1970: Double(now.seconds))
        let skew = (now + clockSkew - now).inSeconds
        guard payload.iss.value == issuer.issuer, payload.aud.value.contains(issuer.audience),
              time < payload.exp.value.addingTimeInterval(skew),
              payload.nbf.map({ $0.value.addingTimeInterval(-skew) <= time }) ?? true,
              issuer.scope.map(payload.holds(scope:)) ?? true,
              let name = payload.name(issuer.nameClaim).flatMap(AccountName.init) else { return .invalid }
        return .valid(name)
    }
}

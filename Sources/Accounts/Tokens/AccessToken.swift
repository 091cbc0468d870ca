import JWTKit

/// The claims of a token that matter here (RFC 7519 §4.1, RFC 9068).
struct AccessToken: JWTPayload {
    var iss: IssuerClaim
    var aud: AudienceClaim
    var exp: ExpirationClaim
    var nbf: NotBeforeClaim?
    var sub: SubjectClaim?
    var email: String?
    var email_verified: Bool?
    var preferred_username: String?
    var scope: String?

    /// Signatures are the collection's work; times are compared with the asker's clock, not the system's.
    func verify(using algorithm: some JWTAlgorithm) throws {}

    /// What the claim says; nil when it is not there or not to be relied on.
    func name(_ claim: TokenIssuer.NameClaim) -> String? {
        switch claim {
        case .subject: sub?.value
        case .email: email_verified == false ? nil : email
        case .preferredUsername: preferred_username
        }
    }

    /// Whether `scope` is among the token's (RFC 8693 §4.2).
    func holds(scope wanted: String) -> Bool { scope?.split(separator: " ").contains { $0 == wanted } ?? false }
}

@testable import Accounts
import Foundation
import JWTKit
import Ports
import SMTP
import Synchronization
import Testing

@Suite struct TokenVerifierTests {
    private struct Claims: JWTPayload {
        var iss = "https://id.example"
        var aud = "smtp"
        var exp = ExpirationClaim(value: Date(timeIntervalSince1970: Double(AccountFixture.now.seconds + 60)))
        var nbf: NotBeforeClaim?
        var email: String? = "alice@x.example"
        var email_verified: Bool?
        var scope: String? = "mail smtp.send"
        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    private let key = ES256PrivateKey()

    private func sign(_ claims: Claims, kid: String = "k1", with other: ES256PrivateKey? = nil) async throws -> Secret {
        let keys = JWTKeyCollection()
        await keys.add(ecdsa: other ?? key, kid: JWKIdentifier(string: kid))
        return Secret(try await keys.sign(claims, kid: JWKIdentifier(string: kid)))
    }

    private func document(of key: ES256PrivateKey? = nil) throws -> [UInt8] {
        let parameters = try #require((key ?? self.key).publicKey.parameters)
        return Array("""
            {"keys": [{"kty": "of another kind", "kid": "k0"}, {"kty": "oct", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "kid": "k2", "alg": "HS256"},
             {"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "k1", "x": "\(parameters.x.urlSafe)", "y": "\(parameters.y.urlSafe)"}]}
            """.utf8)
    }

    private func verifier(scope: String? = nil) throws -> TokenVerifier {
        let issuer = TokenIssuer(issuer: "https://id.example", audience: "smtp", keys: .file("/keys"), nameClaim: .email, scope: scope)
        let document = try document()
        return TokenVerifier(issuers: [issuer], source: KeySetSource { _, completion in completion(document) })
    }

    private func verdict(_ verifier: TokenVerifier, _ token: Secret, later: Duration = .zero) async -> TokenVerifier.Verdict {
        await withCheckedContinuation { continuation in
            verifier.verify(token, at: AccountFixture.now + later) { continuation.resume(returning: $0) }
        }
    }

    @Test("A good token stands for its account") func good() async throws {
        let name = try #require(AccountName("alice@x.example"))
        #expect(await verdict(try verifier(), try await sign(Claims())) == .valid(name))
        #expect(await verdict(try verifier(scope: "smtp.send"), try await sign(Claims())) == .valid(name))
    }

    @Test("Tokens that are worth nothing") func bad() async throws {
        let verifier = try verifier()
        var claims = Claims()
        claims.iss = "https://evil.example"
        #expect(await verdict(verifier, try await sign(claims)) == .invalid)
        claims = Claims()
        claims.aud = "web"
        #expect(await verdict(verifier, try await sign(claims)) == .invalid)
        claims = Claims()
        claims.exp = ExpirationClaim(value: Date(timeIntervalSince1970: Double(AccountFixture.now.seconds - 61)))
        #expect(await verdict(verifier, try await sign(claims)) == .invalid)
        claims = Claims()
        claims.nbf = NotBeforeClaim(value: Date(timeIntervalSince1970: Double(AccountFixture.now.seconds + 3600)))
        #expect(await verdict(verifier, try await sign(claims)) == .invalid)
        claims = Claims()
        claims.email_verified = false
        #expect(await verdict(verifier, try await sign(claims)) == .invalid)
        #expect(await verdict(verifier, try await sign(Claims(), with: ES256PrivateKey())) == .invalid)
        #expect(await verdict(try self.verifier(scope: "admin"), try await sign(Claims())) == .invalid)
        for text in ["", "a.b.c", "..", "e30.e30.", String(repeating: "a", count: 20_000)] {
            #expect(await verdict(verifier, Secret(text)) == .invalid)
        }
    }

    @Test("Tokens that say how they want to be checked") func algorithms() async throws {
        // {"alg":"none"}, and HS256 with a key that stands in the public document.
        let verifier = try verifier()
        let payload = try JSONEncoder().encode(Claims()).base64EncodedString().urlSafe
        let none = Data(#"{"alg":"none","typ":"JWT"}"#.utf8).base64EncodedString().urlSafe
        #expect(await verdict(verifier, Secret("\(none).\(payload).")) == .invalid)
        let keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: Data(repeating: 0, count: 32)), digestAlgorithm: .sha256, kid: "k2")
        #expect(await verdict(verifier, Secret(try await keys.sign(Claims(), kid: "k2"))) == .invalid)
    }

    /// What a URL answers, which can be changed, and how often it was asked.
    private final class Host: Sendable {
        let state = Mutex<(document: [UInt8]?, asked: Int)>((nil, 0))
        var asked: Int { state.withLock { $0.asked } }
        func serve(_ document: [UInt8]?) { state.withLock { $0.document = document } }
        var source: KeySetSource {
            KeySetSource { [self] _, completion in
                completion(state.withLock { state in
                    state.asked += 1
                    return state.document
                })
            }
        }
    }

    @Test("Keys that an issuer has changed are fetched when a token needs them, at most once a minute") func rotation() async throws {
        let issuer = TokenIssuer(issuer: "https://id.example", audience: "smtp", keys: .url("https://id.example/jwks"))
        let host = Host(), verifier = TokenVerifier(issuers: [issuer], source: host.source), other = ES256PrivateKey()
        var claims = Claims()
        claims.exp = ExpirationClaim(value: Date(timeIntervalSince1970: Double(AccountFixture.now.seconds + 100_000)))
        let name = try #require(AccountName("alice@x.example"))
        let old = try await sign(claims), new = try await sign(claims, with: other)
        #expect(await verdict(verifier, old) == .unavailable)
        host.serve(try document())
        // Just now there were none: the source is left alone for some seconds.
        #expect(await verdict(verifier, old, later: .seconds(1)) == .unavailable)
        #expect(await verdict(verifier, old, later: .seconds(6)) == .valid(name))
        #expect(host.asked == 2)
        for second in 7...60 { #expect(await verdict(verifier, new, later: .seconds(second)) == .invalid) }
        #expect(host.asked == 2)
        host.serve(try document(of: other))
        #expect(await verdict(verifier, new, later: .seconds(70)) == .valid(name))
        #expect(await verdict(verifier, old, later: .seconds(71)) == .invalid)
        #expect(host.asked == 3)
        // A host that is away costs nothing while keys are known.
        host.serve(nil)
        #expect(await verdict(verifier, new, later: .hours(2)) == .valid(name))
        #expect(host.asked == 4)
    }

    @Test("Without keys nobody is judged") func noKeys() async throws {
        let issuer = TokenIssuer(issuer: "https://id.example", audience: "smtp", keys: .file("/keys"))
        for document: [UInt8]? in [nil, [], Array("{}".utf8), Array(#"{"keys":[]}"#.utf8)] {
            let verifier = TokenVerifier(issuers: [issuer], source: KeySetSource { _, completion in completion(document) })
            #expect(await verdict(verifier, try await sign(Claims())) == .unavailable)
        }
    }
}

extension String {
    fileprivate var urlSafe: String {
        replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }
}

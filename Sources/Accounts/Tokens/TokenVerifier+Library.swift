import Foundation
import JWTKit
import SMTP

/// The library's calls, which are asynchronous, as callbacks.
extension TokenVerifier {
    /// Keys of one issuer that are looked at.
    private static let maxKeys = 100

    /// Reads a JWK set (RFC 7517 §5).
    static func load(_ document: [UInt8], completion: @escaping @Sendable (JWTKeyCollection?) -> Void) {
        guard let set = try? JSONDecoder().decode(KeySetDocument.self, from: Data(document)) else { return completion(nil) }
        let keys = set.keys.compactMap(\.key).prefix(maxKeys)
        Task {
            let collection = JWTKeyCollection()
            var count = 0
            for key in keys {
                // One key of a kind that is not known must not cost the others.
                if (try? await collection.add(jwk: key)) != nil { count += 1 }
            }
            completion(count > 0 ? collection : nil)
        }
    }

    /// Verifies the signature.
    static func verify(_ token: Secret, with keys: JWTKeyCollection, completion: @escaping @Sendable (AccessToken?) -> Void) {
        Task { completion(try? await keys.verify(token.octets, as: AccessToken.self)) }
    }
}

/// A JWK set in which a key of a kind that is not known does not spoil the others (RFC 7517 §5).
private struct KeySetDocument: Decodable {
    struct Entry: Decodable {
        let key: JWK?

        init(from decoder: any Decoder) throws { key = try? JWK(from: decoder) }
    }

    var keys: [Entry]
}

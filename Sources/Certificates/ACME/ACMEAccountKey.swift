import Crypto
import FoundationEssentials

/// The key of an account at an ACME server, which signs every request (RFC 8555 §6.2).
public struct ACMEAccountKey: Sendable {
    private let key: P256.Signing.PrivateKey

    /// A new key.
    public init() { key = P256.Signing.PrivateKey() }

    /// A key that was kept as `pem`; nil when it is none.
    public init?(pem: [UInt8]) {
        guard let text = String(validating: pem, as: UTF8.self), let key = try? P256.Signing.PrivateKey(pemRepresentation: text) else { return nil }
        self.key = key
    }

    /// The key for keeping.
    public var pem: [UInt8] { Array((key.pemRepresentation + "\n").utf8) }

    /// The public key as a JSON Web Key, its members in the order of RFC 7638 §3.
    var webKey: String {
        let point = [UInt8](key.publicKey.rawRepresentation)
        return #"{"crv":"P-256","kty":"EC","x":"\#(Base64URL.encode(point.prefix(32)))","y":"\#(Base64URL.encode(point.suffix(32)))"}"#
    }

    /// The thumbprint of the public key (RFC 7638).
    var thumbprint: String { Base64URL.encode(Array(SHA256.hash(data: Array(webKey.utf8)))) }

    /// What proves that a challenge's `token` was given to this account (RFC 8555 §8.1).
    func keyAuthorization(_ token: String) -> String { "\(token).\(thumbprint)" }

    /// A signed request body (RFC 7515 §7.2.2): `payload` nil asks for a resource (RFC 8555 §6.3).
    func sign(_ payload: String?, url: String, nonce: String, account: String?) throws(ACMEError) -> [UInt8] {
        let identity = account.map { #""kid":\#(JSONText.string($0))"# } ?? #""jwk":\#(webKey)"#
        let header = #"{"alg":"ES256",\#(identity),"nonce":\#(JSONText.string(nonce)),"url":\#(JSONText.string(url))}"#
        let protected = Base64URL.encode(Array(header.utf8)), body = Base64URL.encode(Array((payload ?? "").utf8))
        guard let signature = try? key.signature(for: Array("\(protected).\(body)".utf8)) else { throw .local("the account's key does not sign") }
        return Array(#"{"protected":"\#(protected)","payload":"\#(body)","signature":"\#(Base64URL.encode([UInt8](signature.rawRepresentation)))"}"#.utf8)
    }
}

/// Base 64 with the alphabet of RFC 4648 §5, without padding.
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> UInt32(count) & 63)])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count) & 63)]) }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Text as JSON (RFC 8259 §7).
enum JSONText {
    static func string(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    static func list(_ texts: [String]) -> String { "[" + texts.map(string).joined(separator: ",") + "]" }
}

import Cryptography
import SMTP

/// Passwords that Baton makes: 24 letters and digits of which none looks like another, 120 bits.
///
///     k7mq-2x9f-pw4t-hc6z-3nrv-8bjd
public enum GeneratedPassword {
    private static let alphabet = Array("23456789abcdefghijkmnpqrstuvwxyz".utf8)
    private static let groups = 6
    private static let groupOctets = 4

    /// A new password.
    public static func make(_ secrets: SecretSource) -> Secret {
        let bits = secrets.octets(groups * groupOctets)
        var text: [UInt8] = []
        for (index, octet) in bits.enumerated() {
            if index > 0, index % groupOctets == 0 { text.append(UInt8(ascii: "-")) }
            // The alphabet has 32 letters: five bits of each octet, evenly.
            text.append(alphabet[Int(octet & 31)])
        }
        return Secret(text)
    }
}

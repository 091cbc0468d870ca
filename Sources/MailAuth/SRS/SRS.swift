import Cryptography
import MessageFormat
import Ports

/// The Sender Rewriting Scheme: a reverse-path that our SPF record covers and that leads bounces back to the first sender.
///
/// `alice@first.example` forwarded by `second.example` becomes
/// `SRS0=HASH=DAY=first.example=alice@second.example`; the next forwarder makes it
/// `SRS1=HASH=second.example==HASH=DAY=first.example=alice@third.example`, and one after that only changes
/// the last domain and the first hash. The hash keeps others from using our host as an open relay for bounces.
public struct SRS: Sendable {
    /// What an address is after reversal.
    public enum Reversal: Hashable, Sendable {
        /// Not one of ours: no SRS prefix, or another domain.
        case notRewritten
        /// The address that it stands for.
        case address(EmailAddress)
        /// The hash is not ours, or the text is none that we make.
        case forged
        /// The day is too long ago.
        case expired
    }

    /// The domain of rewritten addresses.
    public let domain: Domain
    /// How long a rewritten address is good for.
    public let maxAge: Duration
    private let secrets: [[UInt8]]
    private let hashOctets: Int

    /// The scheme for `domain`; the first of `secrets` signs, all of them verify; nil without a secret.
    public init?(domain: Domain, secrets: [[UInt8]], maxAge: Duration = .days(21), hashOctets: Int = 4) {
        guard !secrets.isEmpty, secrets.allSatisfy({ !$0.isEmpty }), (4...27).contains(hashOctets) else { return nil }
        self.domain = domain
        self.secrets = secrets
        self.maxAge = maxAge
        self.hashOctets = hashOctets
    }

    /// The address that stands for `sender`; nil where none is needed or none fits.
    public func forward(_ sender: EmailAddress, at now: Timestamp) -> EmailAddress? {
        guard let host = sender.domain, host != domain else { return nil }
        let local = sender.localPart
        switch SRS.prefix(of: local) {
        case .srs0:
            // The rest keeps its separator, so that the first forwarder can be told which one it used.
            let rest = String(local.dropFirst(4))
            return address("SRS1=\(hash(host.ascii + rest, secrets[0]))=\(host.ascii)=\(rest)")
        case .srs1:
            let parts = local.dropFirst(5).split(separator: "=", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let first = try? Domain(parsing: parts[1]) else { return nil }
            return address("SRS1=\(hash(first.ascii + parts[2], secrets[0]))=\(first.ascii)=\(parts[2])")
        case nil:
            let day = SRS.day(of: now)
            return address("SRS0=\(hash(day + host.ascii + local, secrets[0]))=\(day)=\(host.ascii)=\(local)")
        }
    }

    /// What `recipient`, an address that mail came in for, stands for.
    ///
    /// Without a time the day does not matter: for an address that was looked at before.
    public func reverse(_ recipient: EmailAddress, at now: Timestamp?) -> Reversal {
        guard recipient.domain == domain, let prefix = SRS.prefix(of: recipient.localPart) else { return .notRewritten }
        let text = recipient.localPart.dropFirst(5)
        switch prefix {
        case .srs0:
            let parts = text.split(separator: "=", maxSplits: 3, omittingEmptySubsequences: false)
            guard parts.count == 4, isValid(String(parts[0]), of: parts[1] + parts[2] + parts[3]) else { return .forged }
            if let now, !isCurrent(parts[1], at: now) { return .expired }
            return original(String(parts[3]), at: parts[2])
        case .srs1:
            let parts = text.split(separator: "=", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, isValid(String(parts[0]), of: parts[1] + parts[2]) else { return .forged }
            return original("SRS0" + parts[2], at: parts[1])
        }
    }

    private enum Prefix { case srs0, srs1 }

    private static func prefix(of local: String) -> Prefix? {
        let start = Array(local.utf8.prefix(5))
        guard start.count == 5, [UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-")].contains(start[4]) else { return nil }
        switch start[..<4].map(\.asciiLowercased) {
        case Array("srs0".utf8): return .srs0
        case Array("srs1".utf8): return .srs1
        default: return nil
        }
    }

    /// Octets of a rewritten local part: more than the 64 that RFC 5321 §4.5.3.1.1 asks hosts to take at least.
    public static let maxLocalPart = 200

    private static let limits = AddressLimits(localPart: maxLocalPart)

    private func address(_ local: String) -> EmailAddress? {
        try? EmailAddress(localPart: local, host: .domain(domain), limits: SRS.limits)
    }

    private func original(_ local: String, at host: Substring) -> Reversal {
        guard let domain = try? Domain(parsing: host),
              let address = try? EmailAddress(localPart: local, host: .domain(domain), limits: SRS.limits) else { return .forged }
        return .address(address)
    }

    // MARK: Hash and day

    private func hash(_ text: String, _ secret: [UInt8]) -> String {
        let code = HMAC.code(of: text.utf8.map(\.asciiLowercased), key: secret, with: .sha1)
        return String(decoding: SRS.base64(code).prefix(hashOctets), as: UTF8.self)
    }

    /// Whether any secret makes `given`; in any case of its letters, since some hosts change that of a local part.
    private func isValid(_ given: String, of text: some StringProtocol) -> Bool {
        let given = given.utf8.map(\.asciiLowercased)
        return secrets.contains { secret in
            areEqualInConstantTime(given, hash(String(text), secret).utf8.map(\.asciiLowercased))
        }
    }

    private static let base32 = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
    private static let dayCount: Int64 = 1024

    /// The day in two characters that come round every 1024 days.
    private static func day(of now: Timestamp) -> String {
        let day = dayNumber(now)
        return String(decoding: [base32[Int(day >> 5 & 31)], base32[Int(day & 31)]], as: UTF8.self)
    }

    private static func dayNumber(_ now: Timestamp) -> Int64 {
        let day = now.seconds / 86_400 % dayCount
        return day < 0 ? day + dayCount : day
    }

    private func isCurrent(_ text: Substring, at now: Timestamp) -> Bool {
        let digits = text.utf8.compactMap { octet in
            SRS.base32.firstIndex(of: octet.isASCIILetter ? octet & ~0x20 : octet)
        }
        guard text.utf8.count == 2, digits.count == 2 else { return false }
        let then = Int64(digits[0] << 5 | digits[1])
        // One day of grace for the clock of the host that wrote it.
        let age = (SRS.dayNumber(now) - then + 1 + SRS.dayCount) % SRS.dayCount
        return age <= maxAge.clampedNanoseconds / 86_400_000_000_000 + 1
    }

    private static func base64(_ octets: [UInt8]) -> [UInt8] {
        let symbols = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var output: [UInt8] = []
        var bits: UInt32 = 0
        var held = 0
        for octet in octets {
            bits = bits << 8 | UInt32(octet)
            held += 8
            while held >= 6 {
                held -= 6
                output.append(symbols[Int(bits >> UInt32(held) & 63)])
            }
        }
        if held > 0 { output.append(symbols[Int(bits << UInt32(6 - held) & 63)]) }
        return output
    }
}

import Cryptography
import MessageFormat
import Ports

/// A DKIM-Signature (RFC 6376 §3.5), or the ARC-Message-Signature that is made like one (RFC 8617 §4.1.2), read from its field.
public struct DKIMSignature: Hashable, Sendable {
    /// Which of the fields that share this form.
    public enum Kind: Hashable, Sendable {
        /// DKIM-Signature: `v=` is required and `i=` is the identity.
        case dkim
        /// ARC-Message-Signature: there is no `v=`, and `i=` is the instance, which is left to the reader of the chain.
        case arcMessageSignature
    }

    /// All tags, also those that have no meaning here.
    public let tags: TagList
    /// The algorithm (`a=`).
    public let algorithm: SignatureAlgorithm
    /// The signature (`b=`).
    public let signature: [UInt8]
    /// The hash of the body (`bh=`).
    public let bodyHash: [UInt8]
    /// The canonicalization of the header (first half of `c=`).
    public let headerCanonicalization: Canonicalization
    /// The canonicalization of the body (second half of `c=`).
    public let bodyCanonicalization: Canonicalization
    /// The signing domain (`d=`).
    public let domain: Domain
    /// The selector (`s=`), as A-labels in lower case.
    public let selector: String
    /// The names of the signed fields (`h=`), in the order in which they were signed.
    public let signedFields: [HeaderName]
    /// The identity (`i=`) as it was decoded, nil where the default applies.
    public let identity: String?
    /// The domain of the identity; `domain` by default.
    public let identityDomain: Domain
    /// How many octets of the body are signed (`l=`), which is never trusted.
    public let bodyLength: UInt64?
    /// When it was made, in seconds since 1970 (`t=`).
    public let time: UInt64?
    /// When it expires, in seconds since 1970 (`x=`).
    public let expiration: UInt64?

    /// The name under which the key is published (RFC 6376 §3.6.2.1).
    public var keyName: String { "\(selector)._domainkey.\(domain.ascii)" }

    /// Reads the octets after the field's colon.
    public init(parsing body: ArraySlice<UInt8>, _ kind: Kind = .dkim) throws(SignatureFailure) {
        let tags = try DKIMSignature.tags(body)
        if kind == .dkim { guard let version = tags["v"] else { throw .missingTag }
            guard version.elementsEqual("1".utf8) else { throw .version }
        } else if tags["v"] != nil {
            throw .version
        }
        let names = ["a", "b", "bh", "d", "h", "s"]
        guard names.allSatisfy({ tags[$0] != nil }) else { throw .missingTag }
        guard let algorithm = tags.text("a").flatMap({ SignatureAlgorithm(rawValue: $0.lowercased()) }) else { throw .algorithm }
        self.tags = tags
        self.algorithm = algorithm
        signature = try DKIMSignature.octets(tags, "b")
        bodyHash = try DKIMSignature.octets(tags, "bh")
        guard bodyHash.count == algorithm.hashFunction.octets else { throw .encoding }
        (headerCanonicalization, bodyCanonicalization) = try DKIMSignature.canonicalizations(tags, kind)
        let domain = try DKIMSignature.domain(tags)
        self.domain = domain
        selector = try DKIMSignature.selector(tags["s"] ?? [])
        signedFields = try DKIMSignature.fieldNames(tags, kind)
        (identity, identityDomain) = kind == .dkim ? try DKIMSignature.identity(tags, within: domain) : (nil, domain)
        if let methods = tags.list("q") {
            guard methods.contains(where: { $0.elementsEqual("dns/txt".utf8) }) else { throw .queryMethod }
        }
        bodyLength = try DKIMSignature.number(tags, "l")
        time = try DKIMSignature.number(tags, "t")
        expiration = try DKIMSignature.number(tags, "x")
        if let time, let expiration, expiration <= time { throw .time }
    }

    /// What the time says about the signature (RFC 6376 §3.5, `t=` and `x=`).
    public func failure(at now: Timestamp, skew: Duration) -> SignatureFailure? {
        let seconds = UInt64(max(0, now.seconds))
        if let expiration, seconds > expiration { return .expired }
        let latest = UInt64(max(0, (now + skew).seconds))
        if let time, time > latest { return .future }
        return nil
    }

    private static func tags(_ body: ArraySlice<UInt8>) throws(SignatureFailure) -> TagList {
        do throws(TagList.Mistake) {
            return try TagList(parsing: body)
        } catch {
            if case .duplicate = error { throw .duplicateTag }
            throw .syntax
        }
    }

    private static func octets(_ tags: TagList, _ name: String) throws(SignatureFailure) -> [UInt8] {
        guard let octets = Base64.decode(tags[name] ?? [], .lenient), !octets.isEmpty else { throw .encoding }
        return octets
    }

    private static func canonicalizations(_ tags: TagList, _ kind: Kind) throws(SignatureFailure) -> (Canonicalization, Canonicalization) {
        // Sealers that leave it out mean relaxed, as all drafts of ARC had it.
        guard tags["c"] != nil else { return kind == .dkim ? (.simple, .simple) : (.relaxed, .relaxed) }
        guard let text = tags.text("c")?.lowercased() else { throw .canonicalization }
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count <= 2, let header = Canonicalization(rawValue: String(halves[0])),
              let body = halves.count == 2 ? Canonicalization(rawValue: String(halves[1])) : .simple else { throw .canonicalization }
        return (header, body)
    }

    private static func domain(_ tags: TagList) throws(SignatureFailure) -> Domain {
        guard let value = tags["d"], let domain = try? Domain(parsing: value) else { throw .domain }
        return domain
    }

    /// Labels of letters, digits, hyphens and underscores, which many selectors have, or U-labels (RFC 8616 §4).
    static func selector(_ value: ArraySlice<UInt8>) throws(SignatureFailure) -> String {
        guard value.count <= 253 else { throw .selector }
        if value.contains(where: { $0 >= 0x80 }) {
            guard let domain = try? Domain(parsing: value) else { throw .selector }
            return domain.ascii
        }
        for label in value.split(separator: 0x2e, omittingEmptySubsequences: false) {
            let isValid = (1...63).contains(label.count) && label.first != 0x2d && label.last != 0x2d
                && label.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2d || $0 == 0x5f }
            guard isValid else { throw .selector }
        }
        return String(decoding: value, as: UTF8.self).lowercased()
    }

    private static func fieldNames(_ tags: TagList, _ kind: Kind) throws(SignatureFailure) -> [HeaderName] {
        var names: [HeaderName] = []
        for part in tags.list("h") ?? [] {
            // Sealers may sign no field at all, and write empty names: they stand for fields that are not there.
            if part.isEmpty, kind == .arcMessageSignature { continue }
            guard let text = String(validating: part, as: UTF8.self), let name = HeaderName(parsing: text) else { throw .signedFields }
            names.append(name)
        }
        return names
    }

    private static func identity(_ tags: TagList, within domain: Domain) throws(SignatureFailure) -> (String?, Domain) {
        guard let value = tags["i"] else { return (nil, domain) }
        guard let octets = quotedPrintable(value), let at = octets.lastIndex(of: 0x40),
              let own = try? Domain(parsing: octets[(at + 1)...]), own.isWithin(domain) else { throw .identity }
        let text = String(validating: octets[..<at], as: UTF8.self)
        guard let local = text, local.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else { throw .identity }
        return ("\(local)@\(own.ascii)", own)
    }

    /// Decodes dkim-quoted-printable (RFC 6376 §2.11): folds do not count.
    private static func quotedPrintable(_ value: ArraySlice<UInt8>) -> [UInt8]? {
        var octets: [UInt8] = []
        var index = value.startIndex
        while index < value.endIndex {
            let octet = value[index]
            if octet == 0x3d {
                guard value.endIndex - index > 2, let high = hexadecimal(value[index + 1]), let low = hexadecimal(value[index + 2]) else {
                    return nil
                }
                octets.append(high << 4 | low)
                index += 3
                continue
            }
            if !octet.isFolding { octets.append(octet) }
            index += 1
        }
        return octets
    }

    private static func hexadecimal(_ octet: UInt8) -> UInt8? {
        if octet.isASCIIDigit { return octet - 0x30 }
        return octet &- 0x41 < 6 ? octet - 0x37 : nil
    }

    /// A decimal number; one that 64 bits do not hold is as good as the largest that they do.
    private static func number(_ tags: TagList, _ name: String) throws(SignatureFailure) -> UInt64? {
        guard let value = tags[name] else { return nil }
        guard (1...76).contains(value.count), value.allSatisfy(\.isASCIIDigit) else { throw name == "l" ? .syntax : .time }
        return UInt64(String(decoding: value, as: UTF8.self)) ?? .max
    }
}

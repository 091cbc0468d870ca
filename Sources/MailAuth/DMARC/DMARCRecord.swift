/// A DMARC Policy Record (RFC 9989 §4.6, §4.7); records written for RFC 7489 are read by the same rules.
///
/// Unknown tags are ignored, `pct`, `ri` and `rf` among them; a bad value of an optional tag counts as
/// the tag's default (RFC 9989 §4.8).
public struct DMARCRecord: Hashable, Sendable {
    /// What the Domain Owner asks to be done with mail that fails.
    public enum Policy: String, Hashable, Sendable, CaseIterable {
        /// Nothing.
        case none
        /// Treat as suspicious.
        case quarantine
        /// Refuse.
        case reject

        /// The policy one level below, which applies while the Domain Owner tests (`t=y`).
        public var oneLevelBelow: Policy {
            switch self {
            case .none, .quarantine: .none
            case .reject: .quarantine
            }
        }
    }

    /// How near an authenticated domain must be to the Author Domain.
    public enum Alignment: String, Hashable, Sendable {
        /// The Organizational Domains must be equal.
        case relaxed = "r"
        /// The domains must be equal.
        case strict = "s"
    }

    /// The role of the record's domain: the tag `psd`.
    public enum PublicSuffix: String, Hashable, Sendable {
        /// A Public Suffix Domain.
        case yes = "y"
        /// An Organizational Domain.
        case no = "n"
        /// The walk has to find out.
        case unknown = "u"
    }

    /// A policy for mail whose Author Domain is the record's domain: `p`, or `none` when it is missing.
    public let policy: Policy
    /// The policy for existing subdomains: `sp`.
    public let subdomainPolicy: Policy?
    /// The policy for subdomains that do not exist: `np`.
    public let nonexistentSubdomainPolicy: Policy?
    /// How DKIM domains align: `adkim`.
    public let dkimAlignment: Alignment
    /// How SPF domains align: `aspf`.
    public let spfAlignment: Alignment
    /// Whether the Domain Owner only tests: `t=y`.
    public let isTesting: Bool
    /// The role of the domain: `psd`.
    public let publicSuffix: PublicSuffix
    /// When failure reports are asked for: the letters of `fo`.
    public let failureOptions: [String]
    /// Where aggregate reports go: the well-formed URIs of `rua`.
    public let aggregateReportURIs: [String]
    /// Where failure reports go: the well-formed URIs of `ruf`.
    public let failureReportURIs: [String]
    /// Whether a policy tag had no meaning and no aggregate report is asked for: DMARC then does not apply (RFC 9989 §4.10.1).
    public let isInapplicable: Bool

    /// The policy for a subdomain of the record's domain.
    public func policy(forSubdomainThatExists exists: Bool) -> Policy {
        if !exists, let nonexistentSubdomainPolicy { return nonexistentSubdomainPolicy }
        return subdomainPolicy ?? policy
    }

    /// Reads the text of a TXT record.
    public init(parsing text: [UInt8]) throws(DMARCRecordError) {
        let tags = try DMARCTags(parsing: text)
        aggregateReportURIs = tags.uris("rua")
        failureReportURIs = tags.uris("ruf")
        let hasBadPolicy = ["p", "sp", "np"].contains { tags[$0] != nil && Policy(rawValue: tags[$0] ?? "") == nil }
        isInapplicable = hasBadPolicy && aggregateReportURIs.isEmpty
        // RFC 9989 §4.10.1: with a bad policy tag and somewhere to report to, the record counts as p=none.
        policy = hasBadPolicy ? .none : tags["p"].flatMap(Policy.init) ?? .none
        subdomainPolicy = hasBadPolicy ? nil : tags["sp"].flatMap(Policy.init)
        nonexistentSubdomainPolicy = hasBadPolicy ? nil : tags["np"].flatMap(Policy.init)
        dkimAlignment = tags["adkim"].flatMap(Alignment.init) ?? .relaxed
        spfAlignment = tags["aspf"].flatMap(Alignment.init) ?? .relaxed
        isTesting = tags["t"] == "y"
        publicSuffix = tags["psd"].flatMap(PublicSuffix.init) ?? .unknown
        let options = (tags["fo"] ?? "0").split(separator: ":").map { $0.trimming(isBlank) }
        failureOptions = options.allSatisfy { ["0", "1", "d", "s"].contains($0) } && !options.isEmpty ? options : ["0"]
    }
}

/// Why text is not a DMARC Policy Record; such a record is discarded (RFC 9989 §4.10).
public enum DMARCRecordError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It does not begin with `v=DMARC1`.
    case version
    /// A tag is there twice (RFC 6376 §3.2).
    case duplicateTag(String)

    /// What is wrong, for people.
    public var description: String {
        switch self {
        case .version: "the record does not begin with v=DMARC1"
        case .duplicateTag(let name): "the tag \(name) is there twice"
        }
    }
}

/// The tags of a record in lower case, without the version.
private struct DMARCTags {
    private var values: [String: String] = [:]
    private var rawURIs: [String: String] = [:]

    subscript(name: String) -> String? { values[name] }

    init(parsing text: [UInt8]) throws(DMARCRecordError) {
        var isFirst = true
        for part in text.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false) {
            guard let equals = part.firstIndex(of: UInt8(ascii: "=")) else {
                if isFirst { throw .version }
                continue
            }
            let name = String(decoding: part[..<equals], as: UTF8.self).trimming(isBlank).lowercased()
            let value = String(decoding: part[(equals + 1)...], as: UTF8.self).trimming(isBlank)
            if isFirst {
                // The version, and only it, is told apart by case (RFC 9989 §4.8).
                guard name == "v", value == "DMARC1" else { throw .version }
                isFirst = false
                values["v"] = value
                continue
            }
            guard !name.isEmpty, name.utf8.allSatisfy({ ($0 | 0x20) &- 0x61 < 26 || $0 == 0x5f || $0 &- 0x30 < 10 }) else { continue }
            guard values.updateValue(value.lowercased(), forKey: name) == nil else { throw .duplicateTag(name) }
            if name == "rua" || name == "ruf" { rawURIs[name] = value }
        }
        if isFirst { throw .version }
    }

    /// The URIs of a list; what has no scheme is none. A size limit after `!` belongs to RFC 7489 and is cut off.
    func uris(_ name: String) -> [String] {
        (rawURIs[name] ?? "").split(separator: ",").compactMap { item in
            let uri = item.prefix { $0 != "!" }.trimming(isBlank)
            let parts = uri.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let first = parts[0].utf8.first, (first | 0x20) &- 0x61 < 26,
                  parts[0].utf8.allSatisfy({ ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 || $0 == 0x2b || $0 == 0x2d || $0 == 0x2e }),
                  uri.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
            return uri
        }
    }
}

private func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" || scalar == "\r" || scalar == "\n" }

extension StringProtocol {
    /// The text without the scalars at both ends that `isBlank` names.
    fileprivate func trimming(_ isBlank: (Unicode.Scalar) -> Bool) -> String {
        let rest = unicodeScalars.drop(while: isBlank)
        guard let last = rest.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(String.UnicodeScalarView(rest[...last]))
    }
}

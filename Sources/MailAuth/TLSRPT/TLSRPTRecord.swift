/// The TXT record that says where a domain wants reports about TLS (RFC 8460 §3).
public struct TLSRPTRecord: Hashable, Sendable {
    /// Addresses of a record that are looked at.
    public static let maxAddresses = 16

    /// Where reports go: `mailto:` and `https:` URIs, in their order.
    public let reportAddresses: [String]

    /// The name that holds the record of `domain`.
    public static func name(of domain: String) -> String { "_smtp._tls.\(domain)" }

    /// Parses one TXT record; nil when it is no valid `TLSRPTv1` record.
    public init?(_ text: [UInt8]) {
        guard let fields = VersionedFields(text, version: "v=TLSRPTv1", lists: ["rua"]) else { return nil }
        var addresses: [String] = []
        for field in fields.fields where field.name == "rua" {
            for part in Array(field.value.utf8).split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                let uri = VersionedFields.trimmed(part)
                guard TLSRPTRecord.isURI(uri), addresses.count < TLSRPTRecord.maxAddresses else { return nil }
                addresses.append(String(decoding: uri, as: UTF8.self))
            }
        }
        guard !addresses.isEmpty else { return nil }
        reportAddresses = addresses
    }

    /// The one record among the TXT records at its name; none and several are the same (RFC 8460 §3).
    public init?(among records: [[UInt8]]) {
        let candidates = records.filter { VersionedFields.begins($0, with: "v=TLSRPTv1") }
        guard candidates.count == 1 else { return nil }
        self.init(candidates[0])
    }

    /// A URI of RFC 3986 in outline: a scheme, something after it, no blanks, whole percent signs.
    private static func isURI(_ text: ArraySlice<UInt8>) -> Bool {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")), colon > text.startIndex, colon < text.endIndex - 1,
              text[..<colon].allSatisfy(VersionedFields.isLetterOrDigit),
              text.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "!") }) else { return false }
        var rest = text
        while let percent = rest.firstIndex(of: UInt8(ascii: "%")) {
            let digits = rest[(percent + 1)...].prefix(2)
            guard digits.count == 2, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return false }
            rest = rest[(percent + 1)...]
        }
        return true
    }
}

/// The TXT record that says that a domain has an MTA-STS policy, and which (RFC 8461 §3.1).
public struct MTASTSRecord: Hashable, Sendable {
    /// What changes when the policy does: 1 to 32 letters and digits.
    public let id: String

    /// The name that holds the record of `domain`.
    public static func name(of domain: String) -> String { "_mta-sts.\(domain)" }

    /// Parses one TXT record; nil when it is no valid `STSv1` record.
    public init?(_ text: [UInt8]) {
        guard let fields = VersionedFields(text, version: "v=STSv1"), let id = fields.first("id"),
              (1...32).contains(id.utf8.count), id.utf8.allSatisfy(VersionedFields.isLetterOrDigit) else { return nil }
        self.id = id
    }

    /// The one record among the TXT records at its name; none and several are the same (RFC 8461 §3.1).
    ///
    /// Records that do not begin with `v=STSv1` do not count.
    public init?(among records: [[UInt8]]) {
        let candidates = records.filter { VersionedFields.begins($0, with: "v=STSv1") }
        guard candidates.count == 1 else { return nil }
        self.init(candidates[0])
    }
}

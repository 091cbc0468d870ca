import MailAuth

/// The DNS record of a key, in the forms that people and zone files want.
struct PublishedKey {
    let name: String
    /// The text, all of it.
    let text: String

    /// The record of `entry`.
    init(_ entry: KeyDirectory.Entry) {
        name = entry.recordName
        text = KeyRecord.text(of: entry.key)
    }

    /// The text in strings of at most 255 octets (RFC 1035 §3.3).
    var strings: [String] {
        var strings: [String] = []
        var rest = text[...]
        while !rest.isEmpty {
            strings.append(String(rest.prefix(255)))
            rest = rest.dropFirst(255)
        }
        return strings
    }

    /// A line of a zone file: quotes and backslashes do not occur in key records.
    var zoneLine: String {
        let quoted = strings.map { "\"\($0)\"" }
        return "\(name). IN TXT " + (quoted.count == 1 ? quoted[0] : "( \(quoted.joined(separator: " ")) )")
    }
}

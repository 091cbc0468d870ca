import SMTP

/// One line of Dovecot's authentication protocol: a command and its fields, between tabs.
struct DovecotLine: Hashable, Sendable {
    var command: String
    var fields: [String]

    /// The line in `octets`, without its line end; nil when it is not UTF-8.
    init?(_ octets: ArraySlice<UInt8>) {
        guard let text = String(validating: octets, as: UTF8.self) else { return nil }
        var parts = text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        command = parts.removeFirst()
        fields = parts
    }

    /// The id of the request that the line answers.
    var id: UInt32? { fields.first.flatMap(UInt32.init) }

    /// The value of the field `name=value`.
    func value(_ name: String) -> String? {
        fields.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.utf8.count + 1)) }
    }

    /// Whether the field `name` is there.
    func has(_ name: String) -> Bool { fields.contains(name) }

    /// `text` as a field's value: what would end the field or the line is written with the protocol's escapes.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\u{1}": escaped += "\u{1}1"
            case "\t": escaped += "\u{1}t"
            case "\r": escaped += "\u{1}r"
            case "\n": escaped += "\u{1}n"
            case "\u{0}": escaped += "\u{1}0"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

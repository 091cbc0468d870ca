/// `v=Xv1; name=value; …`: the shape of the TXT records of RFC 8461 and RFC 8460.
struct VersionedFields {
    /// Fields of a record that are looked at.
    static let maxFields = 32

    /// The longest name of a field.
    static let maxNameOctets = 32
    /// The longest record that is looked at.
    static let maxOctets = 4096

    let fields: [(name: String, value: String)]

    /// Whether `text` is a record of this version: the version alone, or followed by a delimiter.
    static func begins(_ text: [UInt8], with version: String) -> Bool {
        guard text.starts(with: version.utf8) else { return false }
        let rest = text.dropFirst(version.utf8.count).drop(while: isBlank)
        return rest.isEmpty || rest.first == UInt8(ascii: ";")
    }

    /// The fields after the version; nil when the record breaks its grammar.
    ///
    /// Values of the fields in `lists` may hold blanks and equals signs, for their owner to judge.
    init?(_ text: [UInt8], version: String, lists: Set<String> = []) {
        guard VersionedFields.begins(text, with: version), text.count <= VersionedFields.maxOctets else { return nil }
        let parts = text.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).dropFirst()
        var fields: [(String, String)] = []
        for (index, part) in parts.enumerated() {
            let part = VersionedFields.trimmed(part)
            // One delimiter may end the record.
            if part.isEmpty, index == parts.count - 1 { break }
            guard let equals = part.firstIndex(of: UInt8(ascii: "=")), fields.count < VersionedFields.maxFields else { return nil }
            let name = VersionedFields.trimmed(part[..<equals])
            let value = VersionedFields.trimmed(part[(equals + 1)...])
            guard VersionedFields.isName(name), !value.isEmpty else { return nil }
            let field = (String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
            guard lists.contains(field.0) || value.allSatisfy({ (0x21...0x7e).contains($0) && $0 != 0x3d }) else { return nil }
            fields.append(field)
        }
        self.fields = fields
    }

    /// The value of the first field of this name.
    func first(_ name: String) -> String? { fields.first { $0.name == name }?.value }
}

extension VersionedFields {
    /// Whether `text` can name a field (RFC 8461 §3.1): 1 to 32 letters, digits, `-`, `.` and `_`, the first a letter or digit.
    static func isName(_ text: ArraySlice<UInt8>) -> Bool {
        guard let first = text.first, isLetterOrDigit(first), text.count <= maxNameOctets else { return false }
        return text.allSatisfy { isLetterOrDigit($0) || $0 == 0x2d || $0 == 0x2e || $0 == 0x5f }
    }

    /// `text` without blanks around it.
    static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = text.drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return rest
    }

    static func isLetterOrDigit(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    private static func isBlank(_ octet: UInt8) -> Bool { octet == 0x20 || octet == 0x09 }
}

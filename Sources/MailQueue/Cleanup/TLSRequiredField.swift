import Glibc
import MessageFormat

/// The header field by which a sender puts delivery before TLS (RFC 8689 §3): `TLS-Required: No`.
enum TLSRequiredField {
    private static let name: HeaderName = "TLS-Required"
    private static let start = Array("tls-required".utf8)

    /// Whether the header section at the start of `bytes` has the field, once, with the one value that it can have.
    static func waivesTLS(_ bytes: [UInt8]) -> Bool {
        // Nearly no message has it: the section is taken apart only where a line begins like it.
        guard mayBePresent(bytes), let section = try? HeaderSection(scanning: bytes) else { return false }
        let fields = section.all(name, in: bytes.span)
        guard fields.count == 1 else { return false }
        let words = section.text(of: fields[0], in: bytes.span).lowercased().split(whereSeparator: \.isWhitespace)
        return words == ["no"]
    }

    private static func mayBePresent(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return false }
            var line = 0
            while line + start.count < buffer.count {
                if buffer[line] | 0x20 == UInt8(ascii: "t"), start.indices.allSatisfy({ buffer[line + $0] | 0x20 == start[$0] | 0x20 }) {
                    return true
                }
                // An empty line ends the section.
                if buffer[line] == 0x0d || buffer[line] == 0x0a { return false }
                guard let end = memchr(base + line, 0x0a, buffer.count - line) else { return false }
                line = UnsafeRawPointer(end) - base + 1
            }
            return false
        }
    }
}

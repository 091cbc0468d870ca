/// Finds the addresses in a header field such as To: `"Doe, J." <j@x.example>, team: a@x.example, b (of y);` (RFC 5322 §3.4).
///
/// It is lenient, since people type these: what stands between separators and is neither name nor
/// comment is the address. Whether it is a good one is for `EmailAddress` to say.
public enum AddressList {
    private static let maxCommentDepth = 32

    /// The addresses in `body` in their order, as written, without names and comments.
    public static func addresses(in body: some Collection<UInt8>) -> [String] {
        var scanner = Scanner()
        var bytes = body.makeIterator()
        while let byte = bytes.next() { scanner.take(byte) }
        scanner.finish()
        return scanner.found
    }

    private struct Scanner {
        var found: [String] = []
        /// Text outside of angle brackets.
        var bare: [UInt8] = []
        /// Text within angle brackets; nil while there were none.
        var angled: [UInt8]?
        var isInAngle = false
        var isInQuotes = false
        var isEscaped = false
        var depth = 0

        mutating func take(_ byte: UInt8) {
            if isEscaped {
                isEscaped = false
                if depth == 0 { append(byte) }
                return
            }
            switch byte {
            case UInt8(ascii: "\\") where isInQuotes || depth > 0:
                isEscaped = true
                if depth == 0 { append(byte) }
            case UInt8(ascii: "\"") where depth == 0:
                isInQuotes.toggle()
                append(byte)
            case _ where isInQuotes: append(byte)
            case UInt8(ascii: "("): depth = min(depth + 1, AddressList.maxCommentDepth)
            case UInt8(ascii: ")") where depth > 0: depth -= 1
            case _ where depth > 0: break
            case UInt8(ascii: "<"):
                isInAngle = true
                angled = []
            case UInt8(ascii: ">"): isInAngle = false
            case UInt8(ascii: ",") where !isInAngle, UInt8(ascii: ";") where !isInAngle: endAddress()
            // What stood before the colon was the name of a group.
            case UInt8(ascii: ":") where !isInAngle && !bare.contains(UInt8(ascii: "[")): bare = []
            case 0x20, 0x09, 0x0d, 0x0a: if !isInAngle { bare.append(0x20) }
            default: append(byte)
            }
        }

        mutating func finish() { endAddress() }

        private mutating func append(_ byte: UInt8) {
            if isInAngle { angled?.append(byte) } else { bare.append(byte) }
        }

        private mutating func endAddress() {
            let words = bare.split(separator: 0x20)
            // Without angle brackets, blanks around dots and @ are obsolete but legal (RFC 5322 §4.4).
            let text = angled ?? words.reduce(into: []) { $0 += $1 }
            if !text.isEmpty { found.append(String(decoding: AddressList.withoutRoute(text), as: UTF8.self)) }
            bare = []
            angled = nil
        }
    }

    /// `@a,@b:user@c` without the source route (RFC 5321 §F.2).
    private static func withoutRoute(_ text: [UInt8]) -> ArraySlice<UInt8> {
        guard text.first == UInt8(ascii: "@"), let colon = text.firstIndex(of: UInt8(ascii: ":")) else { return text[...] }
        return text[(colon + 1)...]
    }
}

import MessageFormat

/// One name in a path: never empty, `.` or `..`, and without `/` and control characters.
public struct PathComponent: Hashable, Sendable, CustomStringConvertible {
    /// The name.
    public let name: String

    /// Checks a name; nil for one that could mean another place, or that no file system takes.
    public init?(_ name: String) {
        guard (1...255).contains(name.utf8.count), name != ".", name != "..",
              name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x2f && $0 != 0x7f }) else { return nil }
        self.name = name
    }

    /// A name known when the program is written.
    init(known name: StaticString) { self.name = name.description }

    /// `name`.
    public var description: String { name }

    /// `text` as a part of a name, reversible: `%XX` stands for every octet that is not a letter, digit,
    /// `-`, `_`, `+`, `=`, an inner `.` or beyond ASCII.
    static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        for octet in text.utf8 {
            switch octet {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2b, 0x2d, 0x3d, 0x5f, 0x80...: bytes.append(octet)
            case 0x2e where !bytes.isEmpty: bytes.append(octet)
            default:
                bytes.append(0x25)
                for digit in [octet >> 4, octet & 15] { bytes.append(digit < 10 ? 0x30 &+ digit : 0x37 &+ digit) }
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

import Glibc
import MessageFormat

/// The rules of a public suffix list, as <https://publicsuffix.org/list/> has them.
///
/// DMARC under RFC 9989 asks the DNS instead and needs no list; whoever evaluates by RFC 7489, or
/// groups domains for other reasons, reads the list that the system installs.
public struct PublicSuffixList: Hashable, Sendable {
    /// Largest list that is read.
    public static let maxOctets = 16 * 1024 * 1024
    private var rules: [String: UInt8] = [:]

    /// Reads the text of a list; lines that are not rules are skipped.
    public init(parsing text: some Sequence<UInt8>) {
        var line: [UInt8] = []
        for octet in text {
            if octet == 0x0a {
                add(line)
                line.removeAll(keepingCapacity: true)
            } else {
                line.append(octet)
            }
        }
        add(line)
    }

    /// Reads the list in the file at `path`; nil when it cannot be read.
    public init?(contentsOf path: String) {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
            text.append(contentsOf: buffer[..<count])
            guard text.count <= Self.maxOctets else { return nil }
        }
        guard ferror(file) == 0 else { return nil }
        self.init(parsing: text)
    }

    /// How many names have rules.
    public var count: Int { rules.count }

    /// The public suffix of `domain`; where no rule matches, its last label.
    public func publicSuffix(of domain: Domain) -> String {
        let labels = domain.labels
        return labels.suffix(suffixLabels(labels)).joined(separator: ".")
    }

    /// The public suffix and one label: the Organizational Domain of RFC 7489 §3.2; nil for a public suffix itself.
    public func organizationalDomain(of domain: Domain) -> Domain? {
        let labels = domain.labels
        let count = suffixLabels(labels) + 1
        guard labels.count >= count else { return nil }
        return try? Domain(parsing: labels.suffix(count).joined(separator: "."))
    }

    private func suffixLabels(_ labels: [Substring]) -> Int {
        var longest = 1
        for count in 1...max(labels.count, 1) {
            guard let rule = rules[labels.suffix(count).joined(separator: ".")] else { continue }
            // An exception wins over every other rule; its suffix is one label shorter.
            if rule & 4 != 0 { return count - 1 }
            if rule & 1 != 0 { longest = max(longest, count) }
            if rule & 2 != 0, labels.count > count { longest = max(longest, count + 1) }
        }
        return longest
    }

    private mutating func add(_ line: [UInt8]) {
        // A rule ends at the first white space.
        var text = line.prefix { $0 > 0x20 }
        guard let first = text.first, !text.starts(with: [0x2f, 0x2f]) else { return }
        var kind: UInt8 = 1
        if first == UInt8(ascii: "!") {
            kind = 4
            text = text.dropFirst()
        } else if text.starts(with: [0x2a, 0x2e]) {
            kind = 2
            text = text.dropFirst(2)
        }
        guard let name = try? Domain(parsing: text) else { return }
        rules[name.ascii, default: 0] |= kind
    }
}

/// A reply to a command: code, enhanced status code and text (RFC 5321 §4.2, RFC 2034).
///
///     S: 550 5.1.1 Unknown recipient
public struct Reply: Hashable, Sendable {
    /// The three-digit code, 200…599.
    public var code: Int
    /// The enhanced status code, where the reply has one.
    public var enhanced: EnhancedStatusCode?
    /// The text, one element a line, without code and enhanced status code.
    public var lines: [String]

    /// A reply with one line of text.
    public init(_ code: Int, _ enhanced: EnhancedStatusCode? = nil, _ text: String) {
        self.code = code
        self.enhanced = enhanced
        lines = [text]
    }

    /// A reply with any number of lines of text.
    public init(code: Int, enhanced: EnhancedStatusCode? = nil, lines: [String]) {
        self.code = code
        self.enhanced = enhanced
        self.lines = lines
    }

    /// What the first digit of the code says (RFC 5321 §4.2.1).
    public var severity: Severity {
        switch code {
        case ..<300: .success
        case ..<400: .intermediate
        case ..<500: .transient
        default: .permanent
        }
    }

    /// The classes of replies (RFC 5321 §4.2.1).
    public enum Severity: Hashable, Sendable {
        /// 2yz: done.
        case success
        /// 3yz: go on.
        case intermediate
        /// 4yz: not now.
        case transient
        /// 5yz: no.
        case permanent
    }

    /// Whether the code is 2yz.
    public var isSuccess: Bool { severity == .success }
    /// Whether the code is 4yz.
    public var isTransient: Bool { severity == .transient }
    /// Whether the code is 5yz.
    public var isPermanent: Bool { severity == .permanent }

    /// The lines of text joined by spaces.
    public var text: String { lines.joined(separator: " ") }

    /// The reply as it goes over the wire.
    public var wire: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    /// Appends the reply as it goes over the wire.
    ///
    /// Control characters of the text become `?`, so that no text can end the line (RFC 5321 §4.2).
    public func append(to bytes: inout [UInt8]) {
        guard let last = lines.last else { return appendLine("", separator: 0x20, to: &bytes) }
        for line in lines.dropLast() { appendLine(line, separator: UInt8(ascii: "-"), to: &bytes) }
        appendLine(last, separator: 0x20, to: &bytes)
    }

    private func appendLine(_ line: String, separator: UInt8, to bytes: inout [UInt8]) {
        bytes.append(0x30 &+ UInt8(truncatingIfNeeded: code / 100 % 10))
        bytes.append(0x30 &+ UInt8(truncatingIfNeeded: code / 10 % 10))
        bytes.append(0x30 &+ UInt8(truncatingIfNeeded: code % 10))
        bytes.append(separator)
        if let enhanced {
            enhanced.append(to: &bytes)
            bytes.append(0x20)
        }
        let start = bytes.count
        bytes.append(contentsOf: line.utf8)
        for index in start..<bytes.count where bytes[index] < 0x20 || bytes[index] == 0x7f {
            bytes[index] = UInt8(ascii: "?")
        }
        bytes.append(0x0d)
        bytes.append(0x0a)
    }
}

extension Reply: CustomStringConvertible {
    /// The reply in one line, as logs and reports show it.
    public var description: String {
        if let enhanced { "\(code) \(enhanced) \(text)" } else { "\(code) \(text)" }
    }
}

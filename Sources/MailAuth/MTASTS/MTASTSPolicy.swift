import DNS

/// What a domain asks of those who send mail to it (RFC 8461 §3.2).
public struct MTASTSPolicy: Hashable, Sendable {
    /// How failures are treated (RFC 8461 §5).
    public enum Mode: String, Hashable, Sendable {
        /// No delivery to hosts that fail.
        case enforce
        /// Failures are reported, delivery goes on.
        case testing
        /// There is no policy any more.
        case none
    }

    /// A pattern of the hosts that take the domain's mail.
    public struct MXPattern: Hashable, Sendable, CustomStringConvertible {
        /// The pattern as written, in lower case: a host name, or `*.` and one.
        public let description: String

        /// Parses a pattern of A-labels; nil for anything else.
        public init?(_ text: String) {
            let host = text.hasPrefix("*.") ? String(text.dropFirst(2)) : text
            guard DNSName.isHostName(host), !host.hasSuffix(".") else { return nil }
            description = text.lowercased()
        }

        /// Whether `host` fits; a wildcard stands for exactly one label (RFC 8461 §4.1).
        public func matches(_ host: String) -> Bool {
            let host = host.lowercased()
            guard description.hasPrefix("*.") else { return host == description }
            guard let dot = host.firstIndex(of: "."), dot > host.startIndex else { return false }
            return host[dot...] == description.dropFirst()
        }
    }

    /// The longest time that a policy may be kept, in seconds (RFC 8461 §3.2).
    public static let maxAgeLimit: Int64 = 31_557_600
    /// The longest policy file that is taken.
    public static let maxOctets = 64 * 1024
    /// Patterns of a policy that are taken; more make it invalid.
    public static let maxPatterns = 256

    /// How failures are treated.
    public var mode: Mode
    /// The hosts that take the domain's mail.
    public var mx: [MXPattern]
    /// How long the policy may be kept, in seconds.
    public var maxAge: Int64

    /// A policy.
    public init(mode: Mode, mx: [MXPattern], maxAge: Int64) {
        self.mode = mode
        self.mx = mx
        self.maxAge = min(max(maxAge, 0), MTASTSPolicy.maxAgeLimit)
    }

    /// Whether mail for the domain may go to `host`.
    public func permits(_ host: String) -> Bool { mx.contains { $0.matches(host) } }

    /// The policy in the lines of its file, which is how TLS reports quote it (RFC 8460 §4.4).
    public var lines: [String] {
        ["version: STSv1", "mode: \(mode.rawValue)"] + mx.map { "mx: \($0)" } + ["max_age: \(maxAge)"]
    }

    /// Parses a policy file: lines of `key: value`, ended by LF or CRLF.
    public init(parsing text: [UInt8]) throws(MTASTSPolicyError) {
        guard text.count <= MTASTSPolicy.maxOctets else { throw .tooLarge }
        var values: [String: String] = [:]
        var patterns: [MXPattern] = []
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let line = VersionedFields.trimmed(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
            if line.isEmpty { continue }
            let (key, value) = try MTASTSPolicy.field(line)
            if key == "mx" {
                guard let pattern = MXPattern(value) else { throw .invalid("mx") }
                guard patterns.count < MTASTSPolicy.maxPatterns else { throw .tooLarge }
                patterns.append(pattern)
            } else if values[key] == nil {
                // Of a key that may not be repeated the first counts (RFC 8461 §3.2).
                values[key] = value
            }
        }
        guard values["version"] == "STSv1" else { throw .invalid("version") }
        guard let mode = values["mode"].flatMap(Mode.init) else { throw .invalid("mode") }
        guard let age = values["max_age"], (1...10).contains(age.utf8.count),
              age.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let seconds = Int64(age) else { throw .invalid("max_age") }
        guard mode == .none || !patterns.isEmpty else { throw .invalid("mx") }
        self.init(mode: mode, mx: patterns, maxAge: seconds)
    }

    private static func field(_ line: ArraySlice<UInt8>) throws(MTASTSPolicyError) -> (key: String, value: String) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw .malformedLine }
        let key = line[..<colon], value = VersionedFields.trimmed(line[(colon + 1)...])
        guard VersionedFields.isName(key), !value.isEmpty, value.allSatisfy({ $0 > 0x1f && $0 != 0x7f }),
              let text = String(validating: value, as: UTF8.self) else { throw .malformedLine }
        return (String(decoding: key, as: UTF8.self), text)
    }
}

/// What is wrong with a policy file.
public enum MTASTSPolicyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It is longer than `MTASTSPolicy.maxOctets`, or names more hosts than it may.
    case tooLarge
    /// A line is no `key: value`.
    case malformedLine
    /// This key is missing or has a value that it cannot have.
    case invalid(String)

    /// For people; what the file says is not in it.
    public var description: String {
        switch self {
        case .tooLarge: "it is too large"
        case .malformedLine: "a line is no \"key: value\""
        case .invalid(let key): "\"\(key)\" is missing or invalid"
        }
    }
}

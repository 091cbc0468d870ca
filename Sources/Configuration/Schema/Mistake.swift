/// One thing that is wrong in a configuration file, and where.
public struct Mistake: Error, Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The file, as it was named.
    public let file: String
    /// The line, from 1; 0 when the file as a whole is meant.
    public let line: Int
    /// The column, from 1; 0 when the file as a whole is meant.
    public let column: Int
    /// The key, such as `listeners[0].address`; empty for the file as a whole.
    public let key: String
    /// What is wrong and what was expected.
    public let message: String

    /// `baton.yaml:4:3: queue.lifetme: unknown key; did you mean 'lifetime'?`
    public var description: String {
        let place = line > 0 ? "\(file):\(line):\(column): " : "\(file): "
        return place + (key.isEmpty ? "" : "\(key): ") + message
    }

    public static func < (left: Mistake, right: Mistake) -> Bool {
        (left.line, left.column, left.key, left.message) < (right.line, right.column, right.key, right.message)
    }
}

/// Everything that is wrong in a configuration file, in the order of the file.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The mistakes; never empty.
    public let mistakes: [Mistake]

    init(_ mistakes: [Mistake]) { self.mistakes = Set(mistakes).sorted() }

    /// One line for each mistake.
    public var description: String { mistakes.map(\.description).joined(separator: "\n") }
}

/// Why the daemon did not do what it was asked.
public struct ControlFailure: Error, Codable, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure, for programs.
    public enum Code: String, Codable, Hashable, Sendable {
        /// The request is not understood or holds a wrong value.
        case badRequest
        /// There is no such message.
        case notFound
        /// The new configuration has mistakes; the old one stays in force.
        case badConfiguration
        /// The log could not be read or written.
        case storage
        /// The daemon is starting or stopping.
        case unavailable
    }

    /// The kind of failure.
    public var code: Code
    /// What happened, for people.
    public var message: String
    /// Several things that happened, one line each, such as the mistakes of a configuration.
    public var details: [String]?

    /// A failure.
    public init(_ code: Code, _ message: String, details: [String]? = nil) {
        self.code = code
        self.message = message
        self.details = details
    }

    /// The message and its details, a line each.
    public var description: String { ([message] + (details ?? [])).joined(separator: "\n") }
}

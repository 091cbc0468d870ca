import Ports

/// What happened to mail at the edges of a simulated world: what was handed in, and what came out.
public final class MailLedger: @unchecked Sendable {
    /// A message that a client hands in; its number is in the content, in a field `X-Token`.
    public struct Submission: Sendable {
        /// How it ended for the client.
        public enum Result: Sendable {
            /// Not tried, or not to the end.
            case none
            /// 250: Baton answers for it.
            case accepted
            /// Broken off before the end of the content, or refused before it.
            case refused
            /// Refused with this code after the end of the content.
            case refusedWhole(code: Int)
            /// Broken off between the end of the content and the reply.
            case unknown
        }

        /// The number.
        public let token: Int
        /// `MAIL FROM`, without brackets; empty for the null reverse-path.
        public let reversePath: String
        /// `RCPT TO`, without brackets.
        public let recipients: [String]
        /// The value of NOTIFY for all recipients, empty for none.
        public let notify: String
        /// All bytes, with the token.
        public let content: [UInt8]
        /// How it ended.
        public internal(set) var result = Result.none
        /// Recipients that were answered 250.
        public internal(set) var acceptedRecipients: [String] = []
        /// When the last reply came.
        public internal(set) var ended: Timestamp?
    }

    /// A message that a host has taken.
    public struct Arrival: Sendable {
        /// The name of the host.
        public let host: String
        /// `MAIL FROM`, without brackets.
        public let reversePath: String
        /// `RCPT TO` that it accepted, without brackets.
        public let recipients: [String]
        /// All bytes.
        public let content: [UInt8]
        /// When it came.
        public let time: Timestamp
        /// When the next command showed that the 250 had arrived and was recorded; nil if it never came.
        public internal(set) var confirmed: Timestamp?

        /// A message that was taken at `time`, and known to be from `confirmed` on.
        public init(host: String, reversePath: String, recipients: [String], content: [UInt8], time: Timestamp,
                    confirmed: Timestamp? = nil) {
            self.host = host
            self.reversePath = reversePath
            self.recipients = recipients
            self.content = content
            self.time = time
            self.confirmed = confirmed
        }

        /// The same for one of its recipients.
        func `for`(_ recipient: String) -> Arrival {
            Arrival(host: host, reversePath: reversePath, recipients: [recipient], content: content, time: time)
        }
    }

    /// Everything handed in, by token.
    public private(set) var submissions: [Submission] = []
    /// Everything taken, in order.
    public private(set) var arrivals: [Arrival] = []
    /// Recipients that a host refused for good, with how often, as `token` is not known then.
    public private(set) var refusals: [String: Int] = [:]
    /// How often each thing happened at the edges, by name.
    public private(set) var marks: [String: Int] = [:]

    /// An empty ledger.
    public init() {}

    /// Enters a message; `content` gets the token.
    public func submit(from reversePath: String, to recipients: [String], notify: String = "",
                       content: (_ token: Int) -> [UInt8]) -> Submission {
        let token = submissions.count
        let submission = Submission(token: token, reversePath: reversePath, recipients: recipients, notify: notify,
                                    content: content(token))
        submissions.append(submission)
        return submission
    }

    /// Counts that something happened.
    public func mark(_ what: String) { marks[what, default: 0] += 1 }

    func ended(_ token: Int, _ result: Submission.Result, accepted: [String], at time: Timestamp) {
        submissions[token].result = result
        submissions[token].acceptedRecipients = accepted
        submissions[token].ended = time
        switch result {
        case .accepted: mark("client: accepted")
        case .refused: mark("client: refused")
        case .refusedWhole(let code): mark("client: \(code) after the content")
        case .unknown: mark("client: reply lost")
        case .none: break
        }
    }

    /// Enters a message that was taken, and returns its place in `arrivals`.
    @discardableResult
    public func arrived(_ arrival: Arrival) -> Int {
        arrivals.append(arrival)
        mark("host: took")
        return arrivals.count - 1
    }

    func confirmed(_ index: Int, at time: Timestamp) { arrivals[index].confirmed = time }

    func refused(_ recipient: String) { refusals[recipient, default: 0] += 1 }

    /// The number in the `X-Token` field of a message, wherever it is in the content.
    public static func token(in content: [UInt8]) -> Int? {
        let name = Array("X-Token: ".utf8)
        guard let start = firstRange(of: name, in: content) else { return nil }
        return Int(String(decoding: content[start...].prefix { (0x30...0x39).contains($0) }, as: UTF8.self))
    }

    /// Where the bytes after the first occurrence of `pattern` begin.
    static func firstRange(of pattern: [UInt8], in content: [UInt8]) -> Int? {
        guard let head = pattern.first, content.count >= pattern.count else { return nil }
        var index = 0
        while index + pattern.count <= content.count {
            if content[index] == head, content[index..<(index + pattern.count)].elementsEqual(pattern) {
                return index + pattern.count
            }
            index += 1
        }
        return nil
    }
}

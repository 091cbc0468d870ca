import Ports
import SMTP

/// A limit of what one client, network, account, sender or recipient may do in a time.
public struct LimitRule: Hashable, Sendable {
    /// What is counted.
    public enum Measure: String, Hashable, Sendable, CaseIterable {
        /// Connections open at once.
        case connections
        /// Connections opened in the window.
        case connectionRate
        /// Messages accepted in the window.
        case messages
        /// Recipients accepted in the window.
        case recipients
        /// Failed authentications in the window.
        case authFailures
        /// Commands that were answered with an error, in the window.
        case errors
        /// Octets of the messages accepted in the window.
        case bytes
    }

    /// For whom it is counted.
    public enum Subject: String, Hashable, Sendable, CaseIterable {
        /// The client's address; of IPv6, its /64.
        case client
        /// The client's /24; of IPv6, its /48.
        case network
        /// The authenticated account.
        case account
        /// The reverse-path.
        case sender
        /// Each forward-path.
        case recipient
    }

    /// The name by which events know it.
    public var name: String
    /// Whether it acts.
    public var mode = RuleMode.enforce
    /// What is counted.
    public var measure: Measure
    /// For whom.
    public var subject: Subject
    /// How much is allowed.
    public var max: Int
    /// In which time; without meaning for open connections.
    public var window: Duration

    /// A limit.
    public init(name: String, mode: RuleMode = .enforce, measure: Measure, subject: Subject, max: Int, window: Duration = .hours(1)) {
        self.name = name
        self.mode = mode
        self.measure = measure
        self.subject = subject
        self.max = max
        self.window = window
    }

    /// The rule's name in events.
    var id: String { "limit.\(name)" }

    /// What a client is told that is over the limit.
    var verdict: Verdict {
        switch measure {
        case .connections, .connectionRate: .close(.tooManyFromClient)
        case .authFailures: .close(.tooManyAuthFailures)
        case .errors: .close(.tooManyErrorsBefore)
        case .messages: .reject(subject == .recipient ? .recipientBusy : .tooManyMessagesInTime)
        case .recipients: .reject(.tooManyRecipientsInTime)
        case .bytes: .reject(.tooMuchDataInTime)
        }
    }
}

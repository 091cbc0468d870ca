import Events
import MailAuth
import MessageFormat
import SMTP

/// What was found out about a message, and what is to be done with it.
struct MessageVerdict: Sendable {
    /// What is to be done.
    enum Disposition: Hashable, Sendable {
        case accept
        /// Taken, with a field that names the reason.
        case tag(String)
        /// Taken, and held until somebody releases it.
        case hold(String)
        case reject(Reply)
    }

    /// What is to be done.
    var disposition: Disposition
    /// The results for `Authentication-Results`.
    var results: AuthenticationResults
    /// The `Received-SPF` field.
    var receivedSPF: HeaderField?

    /// Whether the sender's domain has an SPF record.
    var senderPublishesSPF = true
    /// What ARC says.
    var chain: ARCResult

    /// The field that tells mailbox rules of a message that was tagged or held.
    static let field: HeaderName = "X-Baton-Quarantine"

    /// The trace fields to go above our own `Received` (RFC 8601 §4, RFC 7208 §9.1).
    var fields: [UInt8] {
        var bytes: [UInt8] = []
        switch disposition {
        case .accept, .reject: break
        case .tag(let reason), .hold(let reason): HeaderField(MessageVerdict.field, text: reason).append(to: &bytes)
        }
        results.field.append(to: &bytes)
        receivedSPF?.append(to: &bytes)
        return bytes
    }

    /// Why the message is held; nil when it is not.
    var hold: HoldReason? { if case .hold = disposition { .policy } else { nil } }

    /// Octets of `summary`: results of ten signatures, and more than anybody reads.
    private static let maxSummary = 2000

    /// What the event of acceptance tells: the results without our name, and what follows from them.
    var summary: String {
        var text = results.summary
        switch disposition {
        case .accept, .reject: break
        case .tag(let reason): text += "; tagged: " + reason
        case .hold(let reason): text += "; held: " + reason
        }
        guard text.utf8.count > MessageVerdict.maxSummary else { return text }
        return String(decoding: text.utf8.prefix(MessageVerdict.maxSummary), as: UTF8.self)
    }
}

extension AuthenticationResults {
    /// The results with the domains that they are about, without reasons: a line for logs.
    fileprivate var summary: String {
        methods.map { method in
            method.properties.reduce("\(method.method)=\(method.result)") { $0 + " \($1.name)=\($1.value)" }
        }.joined(separator: "; ")
    }
}

import Events
import MessageFormat
import Ports
import SMTP

/// Which recipients a notification speaks of, and what it says of each (RFC 3461 §5.2, §6).
struct ReportPlan: Sendable {
    /// What the notification is for; chooses the words.
    enum Purpose: Hashable, Sendable {
        case failed
        case delayed(until: Timestamp)
        case success
        case doubleBounce
    }

    /// What is said of one recipient.
    struct Item: Sendable {
        let recipient: UInt16
        let action: RecipientStatus.Action
        let diagnosis: Diagnosis
    }

    let purpose: Purpose
    let items: [Item]
    /// The host that gave the results.
    let host: RemoteHost?
    /// When it gave them.
    let lastAttempt: Timestamp?
    /// Delay notices given, this one included.
    var noticesGiven: UInt8 = 0

    var recipients: [UInt16] { items.map(\.recipient) }

    /// The action of the whole for the event.
    var action: ReportAction {
        guard let first = items.first, items.allSatisfy({ $0.action == first.action }) else { return .mixed }
        switch first.action {
        case .failed: return .failed
        case .delayed: return .delayed
        case .delivered: return .delivered
        case .relayed: return .relayed
        case .expanded: return .expanded
        }
    }

    /// The notifications that the results of an attempt call for; none to a null reverse-path.
    static func outcomes(_ results: [RecipientResult], of envelope: Envelope, host: RemoteHost?,
                         at time: Timestamp) -> [ReportPlan] {
        guard envelope.reversePath != .null else { return [] }
        var failed: [Item] = []
        var success: [Item] = []
        for result in results where envelope.recipients.indices.contains(Int(result.recipient)) {
            let notify = envelope.recipients[Int(result.recipient)].notify
            switch result.outcome {
            case .delivered(let reply):
                guard notify?.contains(.success) == true else { continue }
                success.append(Item(recipient: result.recipient, action: .delivered, diagnosis: .success(reply)))
            case .relayed(let reply, .thisHost):
                guard notify?.contains(.success) == true else { continue }
                success.append(Item(recipient: result.recipient, action: .relayed, diagnosis: .success(reply)))
            case .relayed(_, .nextHop), .deferred: continue
            case .bounced(let diagnosis), .expired(let diagnosis):
                guard notify?.contains(.failure) ?? true else { continue }
                failed.append(Item(recipient: result.recipient, action: .failed, diagnosis: diagnosis))
            }
        }
        var plans: [ReportPlan] = []
        if !failed.isEmpty { plans.append(ReportPlan(purpose: .failed, items: failed, host: host, lastAttempt: time)) }
        if !success.isEmpty { plans.append(ReportPlan(purpose: .success, items: success, host: host, lastAttempt: time)) }
        return plans
    }

    /// The notice that recipients are delayed; nil where nobody wants it.
    static func delayed(_ recipients: [UInt16], of envelope: Envelope, last: AttemptResult?, lastTime: Timestamp?,
                        until: Timestamp) -> ReportPlan? {
        guard envelope.reversePath != .null else { return nil }
        let items: [Item] = recipients.compactMap { index in
            guard envelope.recipients.indices.contains(Int(index)),
                  envelope.recipients[Int(index)].notify?.contains(.delay) ?? true else { return nil }
            return Item(recipient: index, action: .delayed, diagnosis: last?.diagnosis(of: index) ?? .notYetTried)
        }
        guard !items.isEmpty else { return nil }
        return ReportPlan(purpose: .delayed(until: until), items: items, host: last?.host, lastAttempt: lastTime)
    }

    /// The notice that lists were expanded, for those who asked for reports of success; nil where nobody did.
    static func expanded(_ message: AcceptedMessage) -> ReportPlan? {
        let envelope = message.envelope
        guard envelope.reversePath != .null, envelope.recipients.count > 1 else { return nil }
        var children: [UInt16: Int] = [:]
        for recipient in envelope.recipients {
            if let parent = recipient.parent { children[parent, default: 0] += 1 }
        }
        let items: [Item] = envelope.recipients.enumerated().compactMap { index, recipient in
            let number = UInt16(truncatingIfNeeded: index)
            guard recipient.isExpanded, recipient.notify?.contains(.success) == true, children[number, default: 0] > 1 else {
                return nil
            }
            return Item(recipient: number, action: .expanded, diagnosis: Diagnosis(status: .init(2, 1, 5)))
        }
        guard !items.isEmpty else { return nil }
        return ReportPlan(purpose: .success, items: items, host: nil, lastAttempt: nil)
    }
}

extension Diagnosis {
    fileprivate static func success(_ reply: Reply?) -> Diagnosis {
        Diagnosis(status: reply?.enhanced ?? EnhancedStatusCode(2, 0, 0), reply: reply)
    }

    static let notYetTried = Diagnosis(status: .init(4, 4, 0), explanation: "It has not been possible to try the delivery yet.")
}

extension AttemptResult {
    /// What an earlier result says of a recipient.
    func diagnosis(of recipient: UInt16) -> Diagnosis? {
        for result in results where result.recipient == recipient {
            switch result.outcome {
            case .deferred(_, let diagnosis), .bounced(let diagnosis), .expired(let diagnosis): return diagnosis
            case .delivered, .relayed: return nil
            }
        }
        return nil
    }
}

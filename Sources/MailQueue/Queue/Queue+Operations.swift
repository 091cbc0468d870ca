import Events
import MessageFormat
import Ports
import SMTP
import Storage

extension Queue {
    /// Does to every message that the filter names what an operator wants; answers on `loop`.
    ///
    /// Works in steps, so that a million messages do not hold the loop up; what comes in meanwhile may or may not be met.
    public func perform(_ operation: QueueOperation, on filter: QueueFilter, mode: OperationMode, replyOn loop: any Loop,
                        completion: @escaping @Sendable (OperationResult) -> Void) {
        core.run {
            let search = MessageSearch(self, filter)
            search.forEach { slot in
                self.perform(operation, slot, mode, search)
            } done: {
                let result = search.result
                loop.run { completion(result) }
            }
        }
    }

    private func perform(_ operation: QueueOperation, _ slot: UInt32, _ mode: OperationMode, _ search: MessageSearch) {
        guard applies(operation, slot) else { return }
        let isBusy = table[slot].flags.contains(.busy) || (needsRest(operation) && isInFlight(slot))
        if isBusy {
            search.result.busy += 1
            return
        }
        search.found(table[slot].id)
        guard mode == .perform else { return }
        let id = table[slot].id
        search.pending += 1
        let done: @Sendable (Bool) -> Void = { isWritten in
            if !isWritten { search.result.failed += 1 }
            search.ended()
        }
        switch operation {
        case .hold:
            table[slot].hold = .operatorRequest
            forEachEntry(slot) { _ = scheduler.hold($0, now: core.now) }
            record(.held(.operatorRequest), id, done)
        case .release:
            table[slot].hold = nil
            table[slot].crashes = 0
            forEachEntry(slot) { _ = scheduler.release($0, now: core.now) }
            record(.released, id, done)
            workArrived?()
        case .retryNow:
            forEachEntry(slot) { _ = scheduler.retryNow($0, now: core.now) }
            record(.retryRequested, id, done)
            workArrived?()
        case .bounce: bounce(slot, done)
        case .remove: remove(slot, done)
        }
    }

    /// Whether the operation would change anything about a message.
    private func applies(_ operation: QueueOperation, _ slot: UInt32) -> Bool {
        switch operation {
        case .hold, .retryNow: table[slot].hold == nil
        case .release: table[slot].hold != nil
        case .bounce, .remove: true
        }
    }

    /// Whether a message must not be in delivery while this is done to it.
    private func needsRest(_ operation: QueueOperation) -> Bool {
        switch operation {
        case .hold, .release, .retryNow: false
        case .bounce, .remove: true
        }
    }

    private func isInFlight(_ slot: UInt32) -> Bool {
        table.entries(of: slot).contains { scheduler.entry($0.entry)?.state == .inFlight }
    }

    func forEachEntry(_ slot: UInt32, _ body: (EntryID) -> Void) {
        for link in table.entries(of: slot) { body(link.entry) }
    }

    private func record(_ detail: MailEvent.Detail, _ id: QueueID, _ done: @escaping @Sendable (Bool) -> Void) {
        let event = MailEvent(message: id, time: core.now, detail: detail)
        append([event.draft], .synced) { receipt in
            if receipt != nil { self.tell(event, nil) }
            done(receipt != nil)
        }
    }

    /// Takes a message away without telling its sender.
    private func remove(_ slot: UInt32, _ done: @escaping @Sendable (Bool) -> Void) {
        freeze(slot)
        let id = table[slot].id
        let entries = table.entries(of: slot).map(\.entry)
        let recipients = entries.compactMap { scheduler.entry($0) }.flatMap { table.recipients(of: EntryPayload(rawValue: $0.payload)) }
        let event = MailEvent(message: id, time: core.now, detail: .removed(recipients: recipients.sorted()))
        append([event.draft], .synced) { receipt in
            self.thaw(slot)
            guard receipt != nil else { return done(false) }
            self.tell(event, nil)
            for entry in entries where self.drop(entry, slot, feedback: .none) { break }
            done(true)
        }
    }

    /// Gives a message up with a bounce to its sender.
    private func bounce(_ slot: UInt32, _ done: @escaping @Sendable (Bool) -> Void) {
        freeze(slot)
        let entries = table.entries(of: slot).map(\.entry)
        let count = Countdown(entries.count) { isWritten in
            self.thaw(slot)
            done(isWritten)
        }
        let diagnosis = Diagnosis(status: .init(5, 0, 0), explanation: "An operator of this mail system ended the delivery.",
                                  bounceClass: .operatorRequest)
        for entry in entries {
            settle(entry) { recipients, last in
                (recipients.map { recipient in
                    var told = diagnosis
                    told.reply = last?.diagnosis(of: recipient)?.reply
                    return RecipientResult(recipient: recipient, outcome: .bounced(told))
                }, last?.host)
            } done: { count.one($0) }
        }
    }

    /// Keeps a message from being tried while an operation on it is being recorded.
    private func freeze(_ slot: UInt32) {
        table[slot].flags.insert(.busy)
        forEachEntry(slot) { _ = scheduler.hold($0, now: core.now) }
    }

    /// Lets a message that is still there be tried again as before.
    private func thaw(_ slot: UInt32) {
        guard table.isOccupied(slot), table[slot].flags.contains(.busy) else { return }
        table[slot].flags.remove(.busy)
        if table[slot].hold == nil { forEachEntry(slot) { _ = scheduler.release($0, now: core.now) } }
        workArrived?()
    }
}

/// Calls once when all of several things have ended; on the core loop.
private final class Countdown: @unchecked Sendable {
    private var left: Int
    private var isGood = true
    private let done: @Sendable (Bool) -> Void

    init(_ count: Int, done: @escaping @Sendable (Bool) -> Void) {
        left = count
        self.done = done
        if count == 0 { done(true) }
    }

    func one(_ isGood: Bool) {
        self.isGood = self.isGood && isGood
        left -= 1
        if left == 0 { done(self.isGood) }
    }
}

import Events
import Ports
import Storage

/// What an operation records about one message, and what comes true once that is in the log.
struct OperationStep: @unchecked Sendable {
    let slot: UInt32
    let id: QueueID
    let drafts: [RecordDraft]
    let comeTrue: (Queue, StepReceipt) -> Void

    var bytes: Int { drafts.reduce(0) { $0 + $1.storedBytes } }
}

/// Where the records of a step lie.
struct StepReceipt {
    /// One for each record, counted from 0.
    let positions: [RecordPosition]
}

/// An operator's action on the messages of a filter, recorded in groups that are all or nothing.
///
/// A message that is met is marked busy until its group is written: only then what was recorded comes true in memory.
/// Confined to the core loop; `@unchecked Sendable` so that jobs of that loop may hold it.
final class OperationRun: @unchecked Sendable {
    /// Bytes of one group at most: bounces carry what they return.
    private static let maxGroupBytes = 16 << 20
    /// Records of one group at most, well within what the log counts.
    private static let maxGroupRecords = 60_000
    /// Bounces that are made at a time: each holds a message in memory.
    private static let maxBouncesAtOnce = 256

    private let queue: Queue
    private let operation: QueueOperation
    private let mode: OperationMode
    private let search: MessageSearch
    private let progress: (OperationResult) -> Void
    private var group: [OperationStep] = []
    private var groupBytes = 0
    private var groupRecords = 0
    private var groupsUnderWay = 0

    init(_ queue: Queue, _ operation: QueueOperation, _ filter: QueueFilter, _ mode: OperationMode,
         progress: @escaping (OperationResult) -> Void) {
        self.queue = queue
        self.operation = operation
        self.mode = mode
        self.progress = progress
        let isReading = operation == .bounce && mode == .perform
        search = MessageSearch(queue, filter, maxPending: isReading ? OperationRun.maxBouncesAtOnce : queue.settings.operationGroup)
    }

    func begin(_ done: @escaping (OperationResult) -> Void) {
        search.forEach(visit) { self.finish(done) }
    }

    private func finish(_ done: @escaping (OperationResult) -> Void) {
        guard !group.isEmpty else { return done(search.result) }
        search.whenDone { self.finish(done) }
        write()
    }

    private func visit(_ slot: UInt32) {
        guard applies(slot) else { return }
        guard !queue.table[slot].flags.contains(.busy), !(endsIt && queue.isUnderWay(slot)) else {
            search.result.busy += 1
            return
        }
        guard mode == .perform else { return search.found(queue.table[slot].id) }
        if endsIt || operation == .hold { queue.freeze(slot) } else { queue.table[slot].flags.insert(.busy) }
        switch operation {
        case .hold: gather(queue.stepOfHold(slot))
        case .release: gather(queue.stepOfRelease(slot))
        case .retryNow: gather(queue.stepOfRetry(slot))
        case .remove: gather(queue.stepOfRemoval(slot))
        case .bounce: gatherBounce(slot)
        }
    }

    /// Whether the operation would change anything about a message.
    private func applies(_ slot: UInt32) -> Bool {
        switch operation {
        case .hold, .retryNow: queue.table[slot].hold == nil
        case .release: queue.table[slot].hold != nil
        case .bounce, .remove: true
        }
    }

    /// Whether the message leaves with it: then it must not be in delivery, nor on its way out already.
    private var endsIt: Bool {
        switch operation {
        case .hold, .release, .retryNow: false
        case .bounce, .remove: true
        }
    }

    private func gatherBounce(_ slot: UInt32) {
        search.pending += 1
        let id = queue.table[slot].id
        queue.stepOfBounce(slot) { step in
            if let step {
                self.gather(step)
            } else {
                self.giveUp(slot, id)
            }
            self.search.ended()
        }
    }

    // MARK: Groups

    private func gather(_ step: OperationStep) {
        let bytes = step.bytes
        if !group.isEmpty, groupBytes + bytes > OperationRun.maxGroupBytes
            || groupRecords + step.drafts.count > OperationRun.maxGroupRecords { write() }
        group.append(step)
        groupBytes += bytes
        groupRecords += step.drafts.count
        if group.count >= queue.settings.operationGroup { write() }
    }

    private func write() {
        let steps = group
        group = []
        groupBytes = 0
        groupRecords = 0
        write(steps)
    }

    private func write(_ steps: [OperationStep]) {
        search.pending += steps.count
        groupsUnderWay += 1
        queue.log.append(steps.flatMap(\.drafts), .synced, on: queue.core) { result in
            self.groupsUnderWay -= 1
            switch result {
            case .success(let receipt): self.written(steps, receipt)
            case .failure(.tooLarge): self.split(steps)
            case .failure:
                for step in steps { self.giveUp(step.slot, step.id) }
                // The log will not take the next group either: what is left stays as it is.
                self.search.stop()
            }
            self.queue.workArrived?()
            self.search.ended(steps.count)
        }
    }

    private func written(_ steps: [OperationStep], _ receipt: AppendReceipt) {
        var place = 0
        for step in steps {
            let next = place + step.drafts.count
            search.found(step.id)
            if queue.table.slot(of: step.id) == step.slot {
                step.comeTrue(queue, StepReceipt(positions: Array(receipt.positions[place..<next])))
            }
            place = next
        }
        if search.isWalking || groupsUnderWay > 0 || !group.isEmpty { progress(search.result) }
    }

    /// A group that the log can never take: in halves, and a single bounce in parts.
    private func split(_ steps: [OperationStep]) {
        guard steps.count == 1, let step = steps.first else {
            write(Array(steps[..<(steps.count / 2)]))
            return write(Array(steps[(steps.count / 2)...]))
        }
        guard operation == .bounce, queue.table.slot(of: step.id) == step.slot else { return giveUp(step.slot, step.id) }
        search.pending += 1
        queue.bounceInParts(step.slot) { isWritten in
            if isWritten { self.search.found(step.id) } else { self.search.result.failed += 1 }
            self.search.ended()
        }
    }

    /// Leaves a message as it was.
    private func giveUp(_ slot: UInt32, _ id: QueueID) {
        search.result.failed += 1
        if queue.table.slot(of: id) == slot { queue.thaw(slot) }
    }
}

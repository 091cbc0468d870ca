import Events
import Ports

/// What reading every waiting message back came to.
public struct QueueVerification: Sendable {
    /// Messages that were read whole.
    public internal(set) var good = 0
    /// Messages that the log does not give back whole; they are held.
    public internal(set) var damaged: [QueueID] = []

    fileprivate func adding(_ id: QueueID, isWhole: Bool) -> QueueVerification {
        var result = self
        if isWhole { result.good += 1 } else { result.damaged.append(id) }
        return result
    }
}

extension Queue {
    /// Reads every waiting message back from the log, one after the other, and holds those that are damaged.
    ///
    /// To be called on the core loop, which `completion` is called on as well.
    public func verify(_ completion: @escaping @Sendable (QueueVerification) -> Void) {
        verify(from: 0, QueueVerification(), completion)
    }

    private func verify(from start: UInt32, _ result: QueueVerification, _ completion: @escaping @Sendable (QueueVerification) -> Void) {
        var slot = start
        while slot < table.bound, !table.isOccupied(slot) { slot += 1 }
        guard slot < table.bound else { return completion(result) }
        let (place, id) = (slot, table[slot].id)
        check(place) { isWhole in
            let next = result.adding(id, isWhole: isWhole)
            self.core.execute { self.verify(from: place + 1, next, completion) }
        }
    }

    private func check(_ slot: UInt32, _ done: @escaping @Sendable (Bool) -> Void) {
        load(slot) { message in
            guard let message else { return done(false) }
            self.check(self.content(of: message, slot), part: 0, done)
        }
    }

    private func check(_ content: MessageContent, part: Int, _ done: @escaping @Sendable (Bool) -> Void) {
        guard part < content.parts.count else { return done(true) }
        content.read(part: part, on: core) { result in
            guard case .success = result else { return done(false) }
            self.core.execute { self.check(content, part: part + 1, done) }
        }
    }
}

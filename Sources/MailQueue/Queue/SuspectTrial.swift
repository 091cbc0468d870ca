import Events
import Ports

/// Messages that may have brought the process down are tried first after a crash, one at a time and alone.
///
/// Whatever else gets its turn meanwhile is parked, so that the next crash, if it comes, is put down
/// to one message. The trial has an end in time: mail must not wait for ever for a slow suspect.
struct SuspectTrial {
    private var waiting: Set<QueueID> = []
    private var running: EntryID?
    private var parked: [AttemptTicket] = []
    private(set) var deadline = Timestamp.distantPast

    /// How long everything else waits at most.
    static let patience = Duration.seconds(60)

    /// Whether there is still a suspect to try alone.
    var isActive: Bool { running != nil || !waiting.isEmpty }

    mutating func begin(_ suspects: Set<QueueID>, at now: Timestamp) {
        waiting = suspects
        deadline = now + SuspectTrial.patience
    }

    /// Whether the ticket may start now; otherwise it is parked.
    mutating func admits(_ ticket: AttemptTicket, of message: QueueID) -> Bool {
        guard isActive else { return true }
        if running == nil, waiting.remove(message) != nil {
            running = ticket.entry
            return true
        }
        parked.append(ticket)
        return false
    }

    mutating func ended(_ entry: EntryID) {
        if running == entry { running = nil }
    }

    /// The message has left the queue.
    mutating func gone(_ message: QueueID) { waiting.remove(message) }

    mutating func end() {
        waiting = []
        running = nil
    }

    /// A ticket that waited for the trial's end; of a message that is a suspect itself, as soon as the one before is through.
    mutating func nextParked() -> AttemptTicket? { isActive ? nil : parked.popLast() }

    /// Takes out the first parked ticket whose message is a suspect.
    mutating func nextSuspect(_ message: (AttemptTicket) -> QueueID?) -> AttemptTicket? {
        guard running == nil, !waiting.isEmpty else { return nil }
        for index in parked.indices {
            guard let id = message(parked[index]), waiting.remove(id) != nil else { continue }
            running = parked[index].entry
            return parked.remove(at: index)
        }
        return nil
    }
}

extension Queue {
    /// Lets a ticket pass unless a suspect is being tried alone.
    func admit(_ ticket: AttemptTicket) -> AttemptTicket? {
        guard suspects.isActive else { return ticket }
        guard let slot = slot(of: ticket.entry) else { return nil }
        return suspects.admits(ticket, of: table[slot].id) ? ticket : nil
    }

    /// Nothing else can start: a parked suspect may, else the trial waits for its running one, or is over.
    func endTrialSoon(_ until: Timestamp) -> NextStep {
        let next = suspects.nextSuspect { ticket in slot(of: ticket.entry).map { table[$0].id } }
        if let next { return .start(next) }
        if core.now >= suspects.deadline {
            suspects.end()
            return .pause
        }
        return .sleep(until: min(until, suspects.deadline))
    }
}

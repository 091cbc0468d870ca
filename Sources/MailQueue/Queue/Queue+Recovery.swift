import Events
import Ports
import Storage

extension Queue {
    /// Takes over what recovery found: the table as it is, its entries into the schedule.
    func adopt(_ recovery: consuming QueueRecovery) {
        table = recovery.table
        statistics.unreadable = recovery.unreadable
        // Only what the life before this one left open: earlier ends have been recorded.
        if recovery.lastExit.isCrash, recovery.runningIncarnation &+ 1 == log.incarnation { blame(recovery.running) }
        let now = core.now
        for slot in 0..<table.bound where table.isOccupied(slot) {
            guard let sender = table.senders[table[slot].sender] else { continue }
            let isHeld = table[slot].hold != nil
            let isBounce = table[slot].flags.contains(.nullSender)
            let links = table.entries(of: slot).map { link in
                let entry = recovery.entries[link.entry.index]
                let payload = EntryPayload(rawValue: entry.payload)
                let host = table.hosts[link.host]
                var draft = EntryDraft(
                    message: table[slot].id.rawValue, payload: entry.payload,
                    destination: host.map { routes.destination(for: $0, from: sender) } ?? DestinationKey(route: RouteID(0)),
                    sender: SenderKey(recovery.senderKeys[entry.sender] ?? ""),
                    arrival: Timestamp(second: table[slot].arrivalSeconds))
                draft.cost = EntryDraft.cost(recipients: table.recipientCount(of: payload), bytes: Int(table[slot].size))
                draft.attempts = entry.attempts
                draft.due = entry.due == 0 ? nil : Timestamp(second: entry.due)
                draft.noticesGiven = entry.noticesGiven
                draft.isBounce = isBounce
                draft.isHeld = isHeld
                return EntryLink(entry: scheduler.insert(draft, now: now), host: link.host)
            }
            if table[slot].extra == .none {
                if let link = links.first { table[slot].entry = link.entry }
            } else {
                table.extras[table[slot].extra].entries = links
            }
        }
    }

    /// Counts a crash against every message that was in flight.
    private func blame(_ running: [QueueID: Int]) {
        var alone: Set<QueueID> = []
        for id in running.keys.sorted() {
            guard let slot = table.slot(of: id) else { continue }
            let crashes = table[slot].crashes == .max ? .max : table[slot].crashes + 1
            table[slot].crashes = crashes
            blamed.append(id)
            guard table[slot].hold == nil else { continue }
            if crashes >= settings.crashesUntilHeld {
                table[slot].hold = .crashLoop
            } else if crashes >= settings.crashesUntilAlone {
                alone.insert(id)
            }
        }
        suspects.begin(alone, at: core.now)
    }

    /// Puts the crash counts into the log, so that they add up over restarts.
    func recordCrashes() {
        for start in stride(from: 0, to: blamed.count, by: 1000) {
            var events: [MailEvent] = []
            for id in blamed[start..<min(start + 1000, blamed.count)] {
                guard let slot = table.slot(of: id) else { continue }
                let crashes = table[slot].crashes
                events.append(MailEvent(message: id, time: core.now, detail: .crashed(count: crashes)))
                guard table[slot].hold == .crashLoop, crashes >= settings.crashesUntilHeld else { continue }
                events.append(MailEvent(message: id, time: core.now, detail: .held(.crashLoop)))
                statistics.crashHolds += 1
                observer?.alert(.heldForCrashes(id, count: crashes))
            }
            let told = events
            appendForSure(events.map(\.draft)) { _, _ in
                for event in told { self.tell(event, nil) }
            }
        }
        blamed = []
    }
}

import Ports

/// Lifetimes and notice points in whole seconds.
struct Lifetimes: Sendable {
    let message: UInt32
    let bounce: UInt32
    let notices: [UInt32]

    init(_ retry: RetrySchedule) {
        message = retry.lifetime.wholeSeconds
        bounce = retry.bounceLifetime.wholeSeconds
        notices = retry.delayNotices.map(\.wholeSeconds).sorted()
    }
}

/// Timers: what comes up when time moves on, a bounded number of elements a call.
extension Scheduler {
    private static let entriesPerCall = 32
    private static let sitesPerCall = 8
    private static let destinationsPerCall = 8
    /// How long an entry whose lifetime is over may wait for its one more attempt.
    private static let lastTrySeconds: UInt32 = 4 * 3600
    /// An entry whose end is noticed later than this waited through a standstill or a jump of the clock.
    private static let lateSeconds: UInt32 = 60

    mutating func advanceClock(to now: Timestamp) {
        let second = now.wholeSecond
        guard second > clock else { return }
        clock = second
        entryTimers.advance(to: second, in: &entries)
        siteTimers.advance(to: second, in: &sites)
        destinationTimers.advance(to: second, in: &destinations)
    }

    /// Handles a bounded number of timers; returns when one of them needs the host.
    mutating func handleTimers() -> SchedulerAction? {
        for _ in 0..<Self.sitesPerCall {
            if let site = siteTimers.popFlushed(in: &sites) {
                probeNow(site)
            } else if let site = siteTimers.popPending(in: &sites) {
                siteTimerFired(site)
            } else {
                break
            }
        }
        for _ in 0..<Self.destinationsPerCall {
            if let destination = destinationTimers.popFlushed(in: &destinations) {
                askAgain(destination)
            } else if let destination = destinationTimers.popPending(in: &destinations) {
                destinationTimerFired(destination)
            } else {
                break
            }
        }
        drainDestinations()
        for _ in 0..<Self.entriesPerCall {
            if let entry = entryTimers.popFlushed(in: &entries) {
                entries[entry].dueSeconds = min(entries[entry].dueSeconds, clock)
                if let action = entryTimerFired(entry) { return action }
            } else if let entry = entryTimers.popPending(in: &entries) {
                if let action = entryTimerFired(entry) { return action }
            } else {
                break
            }
        }
        return nil
    }

    /// Puts the entry into the timer wheel anew, at the first moment that matters to it.
    mutating func armTimer(_ index: UInt32) {
        entryTimers.remove(index, in: &entries)
        let entry = entries[index]
        var second = expirySecond(entry)
        if let notice = noticeSecond(entry) { second = min(second, notice) }
        if entry.state == .scheduled {
            // A bounce that could not be recorded is tried again when due, not at once and for ever.
            second = entry.flags.contains(.expired) ? entry.dueSeconds : min(second, entry.dueSeconds)
        }
        entryTimers.insert(index, at: second, in: &entries)
    }

    private mutating func entryTimerFired(_ index: UInt32) -> SchedulerAction? {
        let entry = entries[index]
        let isDue = entry.state == .scheduled && entry.dueSeconds <= clock
        if expirySecond(entry) <= clock, isDue || !entry.flags.contains(.expired) {
            if hasMissedItsTime(entry) {
                tryOnceMore(index)
            } else {
                detach(index)
                leave(index, as: .expired)
            }
            return nil
        }
        if let notice = noticeSecond(entry), notice <= clock {
            let age = clock - min(entry.arrivalSeconds, clock)
            // Points that were passed together, say while the server was down, are one notice.
            entries[index].noticesGiven = UInt8(clamping: lifetimes.notices.count { $0 <= age })
            armTimer(index)
            return .notify(id(of: index))
        }
        if isDue { makeReady(index) } else { armTimer(index) }
        return nil
    }

    /// Whether the lifetime ended while nothing could be tried: the process was down or stopped, or the clock jumped.
    private func hasMissedItsTime(_ entry: ScheduleEntry) -> Bool {
        guard entry.flags.isDisjoint(with: [.lastTry, .expired]) else { return false }
        let end = expirySecond(entry)
        if entry.state == .scheduled { return entry.dueSeconds < end }
        return clock - min(end, clock) > Self.lateSeconds
    }

    /// Gives an entry whose lifetime is over one more attempt.
    mutating func tryOnceMore(_ index: UInt32) {
        entries[index].dueSeconds = clock
        entries[index].flags.insert(.lastTry)
        switch entries[index].state {
        case .ready, .unresolved: armTimer(index)
        case .scheduled, .held, .vacant, .leaving, .inFlight: makeReady(index)
        }
    }

    func expirySecond(_ entry: ScheduleEntry) -> UInt32 {
        let isBounce = entry.flags.contains(.bounce)
        let end = entry.arrivalSeconds.advanced(bySeconds: isBounce ? lifetimes.bounce : lifetimes.message)
        guard entry.flags.contains(.lastTry) else { return end }
        return max(end, entry.dueSeconds.advanced(bySeconds: Self.lastTrySeconds))
    }

    private func noticeSecond(_ entry: ScheduleEntry) -> UInt32? {
        guard !entry.flags.contains(.bounce), Int(entry.noticesGiven) < lifetimes.notices.count else { return nil }
        return entry.arrivalSeconds.advanced(bySeconds: lifetimes.notices[Int(entry.noticesGiven)])
    }

    /// Hands out an entry that is final.
    mutating func nextSettling() -> SchedulerAction? {
        guard settling < settings.maxSettling, let index = leaving.popFirst(in: &entries) else { return nil }
        settling += 1
        setState(index, .inFlight)
        if entries[index].flags.contains(.undeliverable) {
            return .fail(id(of: index), failure: entries[index].failure)
        }
        return .expire(id(of: index))
    }
}

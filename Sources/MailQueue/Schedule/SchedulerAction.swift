import Ports

/// What the host of the scheduler has to do next.
public enum SchedulerAction: Hashable, Sendable {
    /// Resolve the destination, then call `resolved`.
    case resolve(DestinationID)
    /// Deliver the entry at the site, then call `finish`.
    case start(EntryID, SiteID)
    /// The destination has no route: settle the entry with what `failure` stands for, then call `finish`.
    case fail(EntryID, failure: UInt32)
    /// The lifetime is over: bounce what is left of the entry, then call `finish`.
    case expire(EntryID)
    /// A delay notice is due; the entry goes on waiting and nothing is called.
    case notify(EntryID)
    /// A bounded piece of work was done and more is at hand: let the loop run other jobs, then call `next` again.
    case pause
    /// Nothing to do before `until`, except after another call.
    case sleep(until: Timestamp)
    /// Nothing to do, except after another call.
    case idle
}

/// What a destination was resolved to.
public enum Resolution: Hashable, Sendable {
    /// Hand its mail over there.
    case site(SiteKey)
    /// No answer now: ask again later, the mail waits on the destination.
    case unavailable
    /// There is no way to deliver (null MX, no such domain, a route that rejects); `failure` is the host's
    /// own number for the reason and comes back in `SchedulerAction.fail`.
    case undeliverable(failure: UInt32)
}

/// What an attempt means for its entry.
public enum AttemptVerdict: Hashable, Sendable {
    /// Every recipient is final: the entry is forgotten.
    case settled
    /// Recipients are left: try again by the retry schedule, no sooner than after `atLeast`.
    case deferred(atLeast: Duration = .zero)
    /// Recipients are left and may be tried at once (452 after some recipients, RFC 5321 §4.5.3.1.10); counts as no attempt.
    case again
    /// The attempt never reached the peer for a reason of our own: back to its turn; counts as no attempt.
    case aborted
}

/// What an attempt tells of the site.
public enum SiteFeedback: Hashable, Sendable {
    /// The site took the message: it may get more at a time.
    case delivered
    /// The site answered, though not with acceptance: it is alive.
    case answered
    /// The site asks to slow down (421, 450 4.7.x and the like).
    case throttled
    /// No usable connection: refused, timed out, broken, 421 or 554 as a greeting.
    case unavailable
    /// The attempt says nothing of the site.
    case none
}

/// What became of a finished entry.
public enum FinishResult: Hashable, Sendable {
    /// The entry is gone.
    case settled
    /// The next attempt comes at `at`, or when the lifetime ends if that is sooner.
    case deferred(at: Timestamp)
    /// The entry waits for its turn at once.
    case ready
    /// The entry is held, as an operator asked meanwhile.
    case held
    /// The id names no entry in flight; nothing was done.
    case unknown
}

import CUnbound
import Glibc
import Ports
import Synchronization

/// The resolver of production: libunbound, validating and caching.
///
/// The library resolves on a thread of its own; one more thread, the pump, waits for its answers,
/// parses them, hands them to the askers' loops and times questions out. Equal questions that are
/// open at the same time are asked once. `close` must be called, or the threads stay.
public final class UnboundResolver: Resolver {
    private let settings: UnboundSettings
    private let context: UnboundContext
    /// Both ends of the pipe that wakes the pump.
    private let wakeup: (read: Int32, write: Int32)
    private let state: Mutex<State>

    /// What the askers' threads and the pump share.
    private struct State {
        var open: [Question: OpenQuestion] = [:]
        /// Open questions not yet asked, oldest first.
        var waiting = Fifo<Question>()
        /// When open questions end, earliest first since all have the same time; answered ones stay in.
        var deadlines = Fifo<(question: Question, deadline: Timestamp)>()
        var outstanding = 0
        var cache: AnswerCache
        var isClosed = false

        /// The earliest deadline, after dropping those of questions that are answered.
        mutating func nextDeadline() -> (question: Question, deadline: Timestamp)? {
            while let next = deadlines.first {
                // An equal question that was asked anew has a later entry of its own.
                if open[next.question]?.deadline == next.deadline { return next }
                _ = deadlines.popFirst()
            }
            return nil
        }
    }

    /// A question that somebody waits for.
    private struct OpenQuestion {
        let ticket: Ticket
        let deadline: Timestamp
        var askers: [Asker]
        /// The library's id while the question is on the network.
        var asyncID: Int32?
    }

    /// What the library hands back with the answer; kept alive by the open question.
    private final class Ticket: Sendable {
        unowned let resolver: UnboundResolver
        let question: Question

        init(_ resolver: UnboundResolver, _ question: Question) {
            self.resolver = resolver
            self.question = question
        }
    }

    /// Starts the resolver and its pump.
    public init(_ settings: UnboundSettings) throws(ResolverStartError) {
        self.settings = settings
        context = try UnboundContext(settings)
        state = Mutex(State(cache: AnswerCache(capacity: settings.maxCachedAnswers)))
        var ends: [Int32] = [-1, -1]
        let code = pipe(&ends)
        wakeup = (ends[0], ends[1])
        for end in ends where code == 0 {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        guard code == 0, startPump() else {
            ub_ctx_delete(context.pointer)
            throw ResolverStartError(setting: "resolver", reason: String(cString: strerror(errno)))
        }
    }

    deinit {
        Glibc.close(wakeup.read)
        Glibc.close(wakeup.write)
    }

    /// Ends both threads; what is still open is answered with a server failure.
    public func close() {
        state.withLock { $0.isClosed = true }
        wakePump()
    }

    public func resolve(_ name: String, _ type: RecordType, on loop: any Loop,
                        completion: @escaping @Sendable (DNSAnswer) -> Void) {
        let asker = Asker(loop: loop, completion: completion)
        guard let name = DNSName.canonical(name) else {
            // A name that cannot be written on the wire cannot exist.
            return asker.complete(DNSAnswer(.nameError, canonicalName: name, reason: "not a domain name"))
        }
        let question = Question(name: name, type: type)
        let now = monotonicTime()
        let (answer, wasIdle) = state.withLock { state -> (DNSAnswer?, Bool) in
            if let answer = state.cache.answer(to: question, at: now) { return (answer, false) }
            return (open(question, for: asker, &state), state.open.count == 1)
        }
        if let answer { return asker.complete(answer) }
        // The pump sleeps without a deadline while nothing is open.
        if wasIdle { wakePump() }
    }

    /// Adds `asker` to the question, asking it if it is new; an answer if that cannot be.
    private func open(_ question: Question, for asker: Asker, _ state: inout State) -> DNSAnswer? {
        if state.isClosed { return failure(question, "the resolver is closed") }
        if state.open[question] != nil {
            state.open[question]?.askers.append(asker)
            return nil
        }
        let mustWait = state.outstanding >= settings.maxOutstanding
        if mustWait, state.waiting.count >= settings.maxWaiting {
            return failure(question, "too many DNS questions are waiting")
        }
        let deadline = monotonicTime() + settings.timeout
        let ticket = Ticket(self, question)
        state.open[question] = OpenQuestion(ticket: ticket, deadline: deadline, askers: [asker])
        state.deadlines.append((question, deadline))
        if mustWait {
            state.waiting.append(question)
            return nil
        }
        return ask(question, ticket, &state)
    }

    /// Puts an open question on the network; an answer if the library refuses it.
    private func ask(_ question: Question, _ ticket: Ticket, _ state: inout State) -> DNSAnswer? {
        var asyncID: Int32 = 0
        let opaque = Unmanaged.passUnretained(ticket).toOpaque()
        let code = ub_resolve_async(context.pointer, question.name, Int32(question.type.rawValue), 1, opaque, { opaque, code, result in
            guard let opaque else { return }
            let ticket = Unmanaged<Ticket>.fromOpaque(opaque).takeUnretainedValue()
            ticket.resolver.answered(ticket.question, code, result)
        }, &asyncID)
        guard code == 0 else {
            state.open[question] = nil
            return failure(question, String(cString: ub_strerror(code)))
        }
        state.open[question]?.asyncID = asyncID
        state.outstanding += 1
        return nil
    }

    /// Called by the library on the pump thread.
    private func answered(_ question: Question, _ code: Int32, _ result: UnsafeMutablePointer<ub_result>?) {
        let answer: DNSAnswer
        if code == 0, let result {
            answer = DNSAnswer(result.pointee, to: question)
        } else {
            answer = failure(question, String(cString: ub_strerror(code)))
        }
        ub_resolve_free(result)
        let askers = state.withLock { state -> [Asker] in
            guard let open = state.open.removeValue(forKey: question) else { return [] }
            if open.asyncID != nil { state.outstanding -= 1 }
            state.cache.keep(answer, to: question, at: monotonicTime())
            return open.askers
        }
        for asker in askers { asker.complete(answer) }
    }

    private func failure(_ question: Question, _ reason: String) -> DNSAnswer {
        DNSAnswer(.serverFailure, canonicalName: question.name, reason: reason)
    }

    // MARK: The pump

    private func startPump() -> Bool {
        var thread = pthread_t()
        let opaque = Unmanaged.passRetained(self).toOpaque()
        let code = pthread_create(&thread, nil, { opaque in
            guard let opaque else { return nil }
            Unmanaged<UnboundResolver>.fromOpaque(opaque).takeRetainedValue().pump()
            return nil
        }, opaque)
        guard code == 0 else {
            Unmanaged<UnboundResolver>.fromOpaque(opaque).release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private func wakePump() {
        // A full pipe is as good as one more byte.
        var byte: UInt8 = 0
        _ = write(wakeup.write, &byte, 1)
    }

    private func pump() {
        var descriptors = [
            pollfd(fd: ub_fd(context.pointer), events: Int16(POLLIN), revents: 0),
            pollfd(fd: wakeup.read, events: Int16(POLLIN), revents: 0),
        ]
        while !state.withLock({ $0.isClosed }) {
            _ = poll(&descriptors, 2, millisecondsToDeadline())
            if descriptors[1].revents != 0 {
                var bytes: (UInt64, UInt64) = (0, 0)
                _ = read(wakeup.read, &bytes, 16)
            }
            _ = ub_process(context.pointer)
            expire()
            askWaiting()
        }
        let askers = state.withLock { state in
            defer { state.open.removeAll() }
            return state.open.flatMap { question, open in open.askers.map { (question, $0) } }
        }
        for (question, asker) in askers { asker.complete(failure(question, "the resolver is closed")) }
        ub_ctx_delete(context.pointer)
    }

    private func millisecondsToDeadline() -> Int32 {
        guard let next = state.withLock({ $0.nextDeadline() }) else { return -1 }
        let left = (next.deadline - monotonicTime()).clampedNanoseconds / 1_000_000
        return Int32(clamping: max(left, 0) &+ 1)
    }

    /// Answers the questions whose time is over.
    private func expire() {
        let now = monotonicTime()
        let askers = state.withLock { state -> [(Question, Asker)] in
            var expired: [(Question, Asker)] = []
            while let (question, deadline) = state.nextDeadline(), deadline <= now,
                  let open = state.open.removeValue(forKey: question) {
                if let asyncID = open.asyncID {
                    // No callback comes after this: callbacks run on this thread only.
                    ub_cancel(context.pointer, asyncID)
                    state.outstanding -= 1
                }
                expired.append(contentsOf: open.askers.map { (question, $0) })
            }
            return expired
        }
        for (question, asker) in askers {
            asker.complete(DNSAnswer(.timedOut, canonicalName: question.name,
                                     reason: "no answer for \(question.name) within \(settings.timeout)"))
        }
    }

    private func askWaiting() {
        let refused = state.withLock { state -> [(Asker, DNSAnswer)] in
            var refused: [(Asker, DNSAnswer)] = []
            while state.outstanding < settings.maxOutstanding, let question = state.waiting.popFirst() {
                guard let open = state.open[question], open.asyncID == nil else { continue }
                guard let answer = ask(question, open.ticket, &state) else { continue }
                refused.append(contentsOf: open.askers.map { ($0, answer) })
            }
            return refused
        }
        for (asker, answer) in refused { asker.complete(answer) }
    }

    /// Only differences of this are used, so that a wall clock that jumps changes nothing.
    private func monotonicTime() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Timestamp(seconds: Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}

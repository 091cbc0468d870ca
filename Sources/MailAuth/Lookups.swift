import DNS
import Ports

/// The DNS questions of one message, within one budget of number and time, and a record of what was asked.
///
/// Every method asks through the same value, so that no combination of SPF, DKIM, DMARC and ARC can make
/// a stranger's message cost more than the budget. What is over budget is answered as timed out, which
/// every method must read as a temporary error or, where its RFC has a limit of its own, as a permanent one.
public final class Lookups {
    /// One question, and how it ended.
    public struct Asked: Hashable, Sendable {
        /// The name as it was asked for.
        public let name: String
        /// The type of the records.
        public let type: RecordType
        /// How the question ended.
        public var status: DNSAnswer.Status
        /// The records of the answer.
        public var records: [DNSRecord]
    }

    /// The loop on which answers arrive.
    public let loop: any Loop
    /// The questions answered so far, in the order of their answers.
    public private(set) var asked: [Asked] = []
    /// The time after which every question is answered as timed out.
    public private(set) var deadline: Timestamp
    private let resolver: any Resolver
    private var remaining: Int

    /// Lookups for one message: at most `limit` questions, none answered later than `deadline`.
    public init(_ resolver: any Resolver, on loop: any Loop, limit: Int = 200, deadline: Timestamp) {
        self.resolver = resolver
        self.loop = loop
        remaining = limit
        self.deadline = deadline
    }

    /// Gives the questions that are still to come another deadline: a message may take longer to arrive than its questions.
    public func allow(until deadline: Timestamp) { self.deadline = deadline }

    /// Asks for the records of `type` at `name`; `completion` is called once, on `loop`, never before this returns.
    public func ask(_ name: String, _ type: RecordType, completion: @escaping (DNSAnswer) -> Void) {
        guard remaining > 0, loop.now < deadline else {
            let refused = DNSAnswer(.timedOut, canonicalName: name, reason: "the message's budget of DNS lookups is spent")
            return finish(LoopConfined((self, completion), to: loop), name, type, refused)
        }
        remaining -= 1
        let asker = LoopConfined(OneAnswer(completion), to: loop)
        let timer = loop.schedule(at: deadline) {
            asker.value.deliver(DNSAnswer(.timedOut, canonicalName: name, reason: "no answer for \(name) in time"))
        }
        let lookups = LoopConfined(self, to: loop)
        resolver.resolve(name, type, on: loop) { answer in
            timer.cancel()
            if asker.value.isOpen { lookups.value.note(name, type, answer) }
            asker.value.deliver(answer)
        }
    }

    private func finish(_ waiting: LoopConfined<(Lookups, (DNSAnswer) -> Void)>, _ name: String, _ type: RecordType,
                        _ answer: DNSAnswer) {
        loop.execute {
            waiting.value.0.note(name, type, answer)
            waiting.value.1(answer)
        }
    }

    private func note(_ name: String, _ type: RecordType, _ answer: DNSAnswer) {
        asked.append(Asked(name: name, type: type, status: answer.status, records: answer.records))
    }
}

/// Whoever waits for an answer gets the first of two: the resolver's or the deadline's.
private final class OneAnswer {
    private var completion: ((DNSAnswer) -> Void)?
    var isOpen: Bool { completion != nil }

    init(_ completion: @escaping (DNSAnswer) -> Void) { self.completion = completion }

    func deliver(_ answer: DNSAnswer) {
        let waiting = completion
        completion = nil
        waiting?(answer)
    }
}

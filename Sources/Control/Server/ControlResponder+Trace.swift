import Events
import MailQueue
import MessageFormat

extension ControlResponder {
    /// Collects histories one after the other; each step is called once, on any thread, after the one before.
    fileprivate struct Collection: Sendable {
        /// Only messages from or to this address count: they were found by a hash.
        var address: EmailAddress?
        var remaining: ArraySlice<QueueID>
        var found: [TracedMessage] = []
        var isCut: Bool
    }

    func trace(_ arguments: TraceArguments, _ reply: @escaping Reply) throws(ControlFailure) {
        guard (1...TraceArguments.maxLimit).contains(arguments.limit) else {
            throw ControlFailure(.badRequest, "limit: expected 1 to \(TraceArguments.maxLimit)")
        }
        if let id = QueueID(arguments.subject) {
            return collect(Collection(address: nil, remaining: [id], isCut: false), subject: arguments.subject, reply)
        }
        guard let address = try? EmailAddress(parsing: arguments.subject) else {
            throw ControlFailure(.badRequest, "“\(arguments.subject.prefix(80))”: expected a queue id or an address")
        }
        let limit = arguments.limit
        backend.messages(for: address, limit: limit) { result in
            switch result {
            case .failure(let failure): reply(ControlResponder.failure(failure))
            case .success(let ids):
                let collection = Collection(address: address, remaining: ids.prefix(limit), isCut: ids.count >= limit)
                self.collect(collection, subject: arguments.subject, reply)
            }
        }
    }

    private func collect(_ collection: Collection, subject: String, _ reply: @escaping Reply) {
        var collection = collection
        guard let id = collection.remaining.popFirst() else {
            guard !collection.found.isEmpty else {
                return reply(ControlResponder.failure(ControlFailure(.notFound, "nothing is known of \(subject)")))
            }
            return reply(ControlResponder.line(.success(TraceReport(messages: collection.found, isCut: collection.isCut))))
        }
        let rest = collection
        backend.trace(of: id) { result in
            switch result {
            case .failure(let failure): reply(ControlResponder.failure(failure))
            case .success(let trace):
                guard rest.concerns(trace) else { return collect(rest, subject: subject, reply) }
                backend.details(of: id) { details in
                    var next = rest
                    // A message that left the queue meanwhile has its end among the events.
                    next.found.append(TracedMessage(trace, waiting: (try? details.get()) ?? nil))
                    collect(next, subject: subject, reply)
                }
            }
        }
    }
}

extension ControlResponder.Collection {
    fileprivate func concerns(_ trace: MessageTrace) -> Bool {
        guard !trace.events.isEmpty || trace.unreadable > 0 else { return false }
        guard let address, let envelope = trace.envelope else { return true }
        return envelope.reversePath.address == address || envelope.recipients.contains { $0.address == address }
    }
}

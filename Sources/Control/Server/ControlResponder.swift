import Events
import MailQueue
import MessageFormat

/// Turns the line of a request into the line of its answer.
struct ControlResponder: Sendable {
    typealias Reply = @Sendable ([UInt8]) -> Void

    let backend: any ControlBackend

    init(_ backend: any ControlBackend) { self.backend = backend }

    /// Answers `line`; `reply` is called once, on any thread, and `progress` any number of times before.
    func respond(to line: [UInt8], progress: @escaping Reply = { _ in }, reply: @escaping Reply) {
        do throws(ControlFailure) {
            try perform(try WireLine.decode(ControlRequest.self, from: line), progress, reply)
        } catch {
            reply(ControlResponder.failure(error))
        }
    }

    /// The line of a failure.
    static func failure(_ failure: ControlFailure) -> [UInt8] {
        WireLine.encode(ControlResponse<StatusReport>.error(failure))
    }

    private static func success(_ payload: some Codable & Sendable) -> [UInt8] {
        WireLine.encode(ControlResponse.result(payload))
    }

    static func line(_ result: Result<some Codable & Sendable, ControlFailure>) -> [UInt8] {
        switch result {
        case .success(let payload): success(payload)
        case .failure(let failure): self.failure(failure)
        }
    }

    private func perform(_ request: ControlRequest, _ progress: @escaping Reply, _ reply: @escaping Reply) throws(ControlFailure) {
        switch request {
        case .status: backend.status { reply(ControlResponder.success(StatusReport($0))) }
        case .list(let arguments): try list(arguments, reply)
        case .summary(let arguments): try summarise(arguments, reply)
        case .show(let arguments): try show(arguments, reply)
        case .operate(let arguments): try operate(arguments, progress, reply)
        case .trace(let arguments): try trace(arguments, reply)
        case .reload: backend.reload { reply(ControlResponder.line($0)) }
        case .flush: backend.flush { reply(ControlResponder.line($0)) }
        }
    }

    private func list(_ arguments: ListArguments, _ reply: @escaping Reply) throws(ControlFailure) {
        guard (1...ListArguments.maxLimit).contains(arguments.limit) else {
            throw ControlFailure(.badRequest, "limit: expected 1 to \(ListArguments.maxLimit)")
        }
        let cursor = arguments.after.map { PageCursor(rawValue: $0) } ?? .start
        backend.list(try arguments.filter.queueFilter(), details: arguments.recipients, after: cursor, limit: arguments.limit) {
            reply(ControlResponder.line($0.map { QueueListing($0) }))
        }
    }

    private func summarise(_ arguments: SummaryArguments, _ reply: @escaping Reply) throws(ControlFailure) {
        let bounds = arguments.bounds
        guard (1...SummaryArguments.maxBounds).contains(bounds.count), zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 }),
              bounds.allSatisfy({ (1...3_155_760_000).contains($0) }) else {
            throw ControlFailure(.badRequest, "bounds: expected 1 to \(SummaryArguments.maxBounds) rising ages in seconds")
        }
        backend.shape(bounds: bounds.map { .seconds($0) }) { reply(ControlResponder.success(QueueSummary($0, bounds: bounds))) }
    }

    private func show(_ arguments: ShowArguments, _ reply: @escaping Reply) throws(ControlFailure) {
        let id = try FilterArguments.queueID(arguments.id)
        backend.details(of: id) { result in
            let report: Result<MessageReport, ControlFailure> = result.flatMap { details in
                guard let details else {
                    return .failure(ControlFailure(.notFound, "\(id) does not wait; `baton trace \(id)` tells what became of it"))
                }
                return .success(MessageReport(details))
            }
            reply(ControlResponder.line(report))
        }
    }

    private func operate(_ arguments: OperateArguments, _ progress: @escaping Reply, _ reply: @escaping Reply) throws(ControlFailure) {
        guard let operation = QueueOperation(rawValue: arguments.operation) else {
            let names = QueueOperation.allCases.map(\.rawValue).joined(separator: ", ")
            throw ControlFailure(.badRequest, "operation “\(arguments.operation.prefix(80))”: expected one of \(names)")
        }
        // A forgotten filter must not bounce the whole queue.
        guard !arguments.filter.isUnconditional || arguments.filter.all == true else {
            throw ControlFailure(.badRequest, "no message named: give ids, a filter, or all")
        }
        let mode: OperationMode = arguments.dryRun ? .dryRun : .perform
        let isTold = arguments.progress == true
        backend.perform(operation, on: try arguments.filter.queueFilter(), mode: mode, progress: { result in
            guard isTold else { return }
            var report = OperationReport(operation, mode, result)
            report.messages = []
            progress(WireLine.encode(ControlResponse.progress(report)))
        }, reply: {
            reply(ControlResponder.line($0.map { OperationReport(operation, mode, $0) }))
        })
    }
}

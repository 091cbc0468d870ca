import Events
import MailQueue
import Ports

/// Catches mail for looking at: each message as a file with exactly the bytes that would have gone out,
/// and a line of JSON about it in `index.jsonl`.
///
/// Confined to the core loop; the files are written on the executor.
public final class SandboxAgent: DeliveryAgent {
    private let files: any MailboxFiles
    private let executor: any MailboxExecutor
    private let loop: any Loop

    /// An agent that writes to `files` on `executor`.
    public init(files: any MailboxFiles, executor: any MailboxExecutor, loop: any Loop) {
        self.files = files
        self.executor = executor
        self.loop = loop
    }

    public func deliver(_ request: DeliveryRequest, completion: @escaping (AttemptReport, (any DeliveryLease)?) -> Void) {
        guard case .sandbox(let path) = request.nextHop else { preconditionFailure("the sandbox agent delivers to the sandbox") }
        let attempt = request.attempt
        let folder = MailboxPath(root: path)
        let loop = loop
        let sink = SandboxSink(attempt, folder: folder, at: loop.now, files: files)
        MessageDrop(attempt.content, into: sink, loop: loop, executor: executor) { error in
            var feedback = SiteFeedback.delivered
            let outcome: DeliveryOutcome
            switch error {
            case nil: outcome = .delivered(nil)
            case .content(let error):
                outcome = .deferred(error.diagnosis)
                feedback = .answered
            case .files(let error):
                outcome = .deferred(error.diagnosis(path: folder))
                feedback = .unavailable
            }
            let outcomes = attempt.recipients.map { RecipientDelivery(recipient: $0, outcome: outcome) }
            completion(AttemptReport(host: RemoteHost(name: path), ended: loop.now, outcomes: outcomes, feedback: feedback), nil)
        }.start()
    }

    public func stop() {}
}

import Events
import MailQueue
import MessageFormat
import Ports
import SMTP

/// Delivers into Maildirs, one copy a recipient, each with its `Return-Path` and `Delivered-To` (RFC 5321 §4.4).
///
/// Confined to the core loop; the files are written on the executor.
public final class MaildirAgent: DeliveryAgent {
    private var settings: MaildirSettings
    private let files: any MailboxFiles
    private let executor: any MailboxExecutor
    private let loop: any Loop

    /// An agent that writes to `files` on `executor`.
    public init(settings: MaildirSettings, files: any MailboxFiles, executor: any MailboxExecutor, loop: any Loop) {
        self.settings = settings
        self.files = files
        self.executor = executor
        self.loop = loop
    }

    public func deliver(_ request: DeliveryRequest, completion: @escaping (AttemptReport, (any DeliveryLease)?) -> Void) {
        guard case .maildir(let path) = request.nextHop else { preconditionFailure("the Maildir agent delivers to Maildirs") }
        MaildirDelivery(request.attempt, path: path, settings: settings, files: files, executor: executor, loop: loop) { report in
            completion(report, nil)
        }.start()
    }

    public func stop() {}

    /// Puts other settings in force for the attempts that begin from here on.
    public func apply(_ settings: MaildirSettings) { self.settings = settings }
}

/// One attempt: a few of its recipients at a time, since the file system syncs several files at little more than the cost of one.
private final class MaildirDelivery: @unchecked Sendable {
    private let attempt: Attempt
    private let path: String
    private let template: MailboxTemplate?
    private let settings: MaildirSettings
    private let files: any MailboxFiles
    private let executor: any MailboxExecutor
    private let loop: any Loop
    private let completion: (AttemptReport) -> Void
    private var next = 0
    /// Copies that are being written.
    private var underWay = 0
    private var outcomes: [RecipientDelivery] = []
    private var feedback = SiteFeedback.answered

    init(_ attempt: Attempt, path: String, settings: MaildirSettings, files: any MailboxFiles,
         executor: any MailboxExecutor, loop: any Loop, completion: @escaping (AttemptReport) -> Void) {
        self.attempt = attempt
        self.path = path
        self.settings = settings
        self.files = files
        self.executor = executor
        self.loop = loop
        self.completion = completion
        template = MailboxTemplate(parsing: path)
    }

    func start() { loop.execute { self.deliverSome() } }

    private func deliverSome() {
        while underWay < max(1, settings.copiesAtOnce), next < attempt.recipients.count {
            let index = attempt.recipients[next]
            next += 1
            if attempt.envelope.recipients.indices.contains(Int(index)) { deliver(to: index) }
        }
        guard underWay == 0 else { return }
        completion(AttemptReport(host: RemoteHost(name: path), ended: loop.now, outcomes: outcomes, feedback: feedback))
    }

    private func deliver(to index: UInt16) {
        let address = attempt.envelope.recipients[Int(index)].address
        let separator = address.domain.flatMap { settings.subaddressSeparators[$0.ascii] }
        guard let mailbox = template?.path(for: address, letterCase: settings.letterCase, separator: separator) else {
            return record(index, .failed(template == nil ? MaildirDelivery.noTemplate : MaildirDelivery.noName))
        }
        let name = MaildirName(message: attempt.message, recipient: index, attempt: attempt.number, at: loop.now, hostName: settings.hostName)
        let sink = MaildirSink(mailbox, name: name, head: head(for: address), settings: settings, files: files)
        underWay += 1
        MessageDrop(attempt.content, into: sink, loop: loop, executor: executor) { error in
            self.underWay -= 1
            self.record(index, self.outcome(error, mailbox))
            self.deliverSome()
        }.start()
    }

    /// The fields that the last host adds, above all others.
    private func head(for address: EmailAddress) -> [UInt8] {
        var bytes = HeaderField(.returnPath, structured: attempt.envelope.reversePath.description, charset: .utf8).wire
        HeaderField(.deliveredTo, structured: address.description, charset: .utf8).append(to: &bytes)
        return bytes
    }

    private func outcome(_ error: DropError?, _ mailbox: MailboxPath) -> DeliveryOutcome {
        switch error {
        case nil:
            feedback = .delivered
            return .delivered(nil)
        case .content(let error): return .deferred(error.diagnosis)
        case .files(.missing) where settings.creation == .never: return .failed(MaildirDelivery.noMailbox)
        case .files(let error):
            if error.isOfWholeSite, feedback != .delivered { feedback = .unavailable }
            return .deferred(error.diagnosis(path: mailbox))
        }
    }

    private func record(_ recipient: UInt16, _ outcome: DeliveryOutcome) {
        outcomes.append(RecipientDelivery(recipient: recipient, outcome: outcome))
    }

    private static let noMailbox = Diagnosis(status: .init(5, 1, 1), explanation: "There is no such mailbox.", bounceClass: .unknownMailbox)
    private static let noName = Diagnosis(status: .init(5, 1, 1), explanation: "The name of the mailbox is too long.", bounceClass: .unknownMailbox)
    private static let noTemplate = Diagnosis(status: .init(5, 3, 5), explanation: "The path of the mailboxes is not valid.", bounceClass: .system)
}

import Events
import MailQueue
import MessageFormat
import Ports
import SMTP

/// Brings what lies in the maildrop into the queue, one message at a time.
///
/// A file is taken away only when its message is synced in the log: a crash in between sends it twice, never not at all.
public final class MaildropAdopter: @unchecked Sendable {
    /// What came of the files that were found.
    public struct Report: Hashable, Sendable {
        /// Messages that are in the queue now.
        public var adopted: [QueueID] = []
        /// Files put aside under these names because they are no messages that can be sent.
        public var setAside: [String] = []
        /// Files left for later because the queue takes no mail at the moment.
        public var postponed = 0
    }

    private let reader: MaildropReader
    private let intake: any MessageIntake
    private let mint: QueueIDMint
    private let cleanup: @Sendable () -> Cleanup
    private let loop: any Loop
    private let inBackground: @Sendable (@escaping @Sendable () -> Void) -> Void

    // Touched on `loop` only.
    private var names: ArraySlice<String> = []
    private var report = Report()
    private var completion: (@Sendable (Report) -> Void)?

    /// An adopter on `loop`; `cleanup` is asked for each message, for a reload may change it; `inBackground` runs a job
    /// that waits for the disk elsewhere.
    public init(reader: MaildropReader, intake: any MessageIntake, mint: QueueIDMint, cleanup: @escaping @Sendable () -> Cleanup,
                loop: any Loop,
                inBackground: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) {
        self.reader = reader
        self.intake = intake
        self.mint = mint
        self.cleanup = cleanup
        self.loop = loop
        self.inBackground = inBackground
    }

    /// Adopts what is there now, unless that is going on already; `completion` is called on the loop.
    public func run(completion: @escaping @Sendable (Report) -> Void) {
        loop.run {
            guard self.completion == nil else { return }
            self.completion = completion
            self.report = Report()
            self.off {
                let names = self.reader.names()
                return { self.names = names[...]; self.next() }
            }
        }
    }

    /// Runs `job` in the background and what it returns on the loop.
    private func off(_ job: @escaping @Sendable () -> @Sendable () -> Void) {
        let loop = loop
        inBackground {
            let then = job()
            loop.execute(then)
        }
    }

    private func next() {
        guard let name = names.popFirst() else {
            let completion = completion
            self.completion = nil
            completion?(report)
            return
        }
        let reader = reader
        off {
            let item = try? reader.read(name)
            return {
                if let item { self.adopt(item, name) } else { self.setAside(name) }
            }
        }
    }

    private func setAside(_ name: String) {
        let reader = reader
        off {
            let new = reader.setAside(name)
            return {
                self.report.setAside.append(new)
                self.next()
            }
        }
    }

    private func adopt(_ item: MaildropReader.Item, _ name: String) {
        let id = mint.next()
        let content = item.message.content
        guard let section = try? HeaderSection(scanning: content) else { return setAside(name) }
        let lastPart = max(0, content.count - 1) / MaildropAdopter.partSize * MaildropAdopter.partSize
        var incoming = IncomingMessage(id: id, envelope: envelope(of: item), body: Array(content[lastPart...]),
                                       chunkedSize: UInt64(lastPart),
                                       receivedCount: section.receivedCount(in: content.span), completion: .submission)
        if lastPart > 0 {
            incoming.firstChunk = Array(content[..<max(section.bodyStart, 1)])
            incoming.bodyHash = cleanup().signing.map { rules in
                let digest = BodyDigest(rules.signer)
                digest.receive(content[section.bodyStart...])
                return digest.finish()
            }
        }
        incoming.authorship = .own
        // Asked first: parts of a message that cannot be sent are not worth writing.
        guard let submission = try? cleanup().prepare(incoming) else { return setAside(name) }
        store(content[..<lastPart], of: id) { stored in
            guard stored else { return self.postpone(id, chunked: lastPart > 0) }
            self.intake.accept(submission, replyOn: self.loop) { result in
                guard case .accepted = result else { return self.postpone(id, chunked: lastPart > 0) }
                self.finish(name, id)
            }
        }
    }

    /// Octets of one record: larger messages are several.
    private static let partSize = 256 * 1024

    private func store(_ parts: ArraySlice<UInt8>, of id: QueueID, then: @escaping @Sendable (Bool) -> Void) {
        guard !parts.isEmpty else { return then(true) }
        let part = parts.prefix(MaildropAdopter.partSize)
        intake.appendChunk(id, Array(part), replyOn: loop) { result in
            guard case .taken = result else { return then(false) }
            self.store(parts.dropFirst(part.count), of: id, then: then)
        }
    }

    private func postpone(_ id: QueueID, chunked: Bool) {
        if chunked { intake.abandon(id) }
        // What the queue does not take now, it would not take from the next file either.
        report.postponed += 1 + names.count
        names = []
        next()
    }

    private func finish(_ name: String, _ id: QueueID) {
        report.adopted.append(id)
        let reader = reader
        off {
            reader.remove(name)
            return { self.next() }
        }
    }

    private func envelope(of item: MaildropReader.Item) -> Envelope {
        let message = item.message
        let recipients = message.recipients.map { Recipient(address: $0, notify: message.notify) }
        var facts: ContentFacts = []
        if message.isEightBit { facts.insert(.eightBitBody) }
        if message.hasLongLines { facts.insert(.longLines) }
        return Envelope(reversePath: message.reversePath, recipients: recipients, arrival: loop.now,
                        body: message.isEightBit ? .eightBitMIME : .sevenBit, smtpUTF8: message.needsSMTPUTF8,
                        returnContent: message.returnContent, envelopeID: message.envelopeID,
                        origin: Origin(transmission: "local", listener: "maildrop", userID: item.userID), content: facts)
    }
}

extension LocalMessage {
    /// Whether a line is longer than 998 octets (RFC 5322 §2.1.1).
    var hasLongLines: Bool {
        var start = 0
        while start < content.count {
            let end = content[start...].firstIndex(of: 0x0a) ?? content.count
            if end - start > 999 { return true }
            start = end + 1
        }
        return false
    }
}

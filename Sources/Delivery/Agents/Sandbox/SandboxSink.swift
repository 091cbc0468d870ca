import Events
import MailQueue
import MessageFormat
import Ports

/// Writes one message into the sandbox: the file as it would have gone out, and a line in the index.
final class SandboxSink: MessageSink, @unchecked Sendable {
    private static let index = PathComponent(known: "index.jsonl")
    /// How much of the message is looked at for its subject.
    private static let headLimit = 65_536

    private let files: any MailboxFiles
    private let folder: MailboxPath
    private let attempt: Attempt
    private let now: Timestamp
    private let name: String
    private var file: (any MailboxFile)?
    private var head: [UInt8] = []
    private var size = 0

    init(_ attempt: Attempt, folder: MailboxPath, at now: Timestamp, files: any MailboxFiles) {
        self.attempt = attempt
        self.folder = folder
        self.now = now
        self.files = files
        name = "\(attempt.message)-\(attempt.number)"
    }

    private var temporary: PathComponent? { PathComponent("." + name + ".part") }
    private var final: PathComponent? { PathComponent(name + ".eml") }

    func begin() throws(MailboxFileError) {
        guard let temporary else { throw .system(errno: 0) }
        do throws(MailboxFileError) {
            file = try files.create(temporary, in: folder)
        } catch {
            switch error {
            case .missing: try files.makeDirectory(folder)
            // Left by a crash in the middle of the same attempt.
            case .exists: try files.remove(temporary, in: folder)
            default: throw error
            }
            file = try files.create(temporary, in: folder)
        }
    }

    func write(_ bytes: [UInt8]) throws(MailboxFileError) {
        try file?.write(bytes)
        size += bytes.count
        if head.count < SandboxSink.headLimit { head += bytes.prefix(SandboxSink.headLimit - head.count) }
    }

    func finish() throws(MailboxFileError) {
        try file?.sync()
        file = nil
        guard let temporary, let final else { throw .system(errno: 0) }
        do throws(MailboxFileError) {
            try files.move(temporary, from: folder, to: final, in: folder)
        } catch {
            // The same attempt got this far before a crash: the file is there already, and so is what it says.
            guard error == .exists else { throw error }
            try files.remove(temporary, in: folder)
        }
        try files.append(indexLine(file: final.name) + [0x0a], to: SandboxSink.index, in: folder)
    }

    func abandon() {
        file = nil
        guard let temporary else { return }
        try? files.remove(temporary, in: folder)
    }

    private func indexLine(file: String) -> [UInt8] {
        let recipients = attempt.recipients.compactMap { index in
            attempt.envelope.recipients.indices.contains(Int(index)) ? attempt.envelope.recipients[Int(index)].address.description : nil
        }
        return JSONLine.object([
            EventField("time", .text(DateTime.rfc3339(now))),
            EventField("message", .text(attempt.message.description)),
            EventField("file", .text(file)),
            EventField("reverse_path", .text(attempt.envelope.reversePath.address?.description ?? "")),
            EventField("recipients", .list(recipients.map { .text($0) })),
            EventField("size", .number(Int64(size))),
            EventField("subject", .text(subject)),
        ])
    }

    private var subject: String {
        let head = head
        guard let section = try? HeaderSection(scanning: head), let field = section.first(.subject, in: head.span) else { return "" }
        return section.text(of: field, in: head.span)
    }
}

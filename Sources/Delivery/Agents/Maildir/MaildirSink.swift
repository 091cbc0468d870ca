import MessageFormat

/// Writes one message into a Maildir: `tmp`, sync, then `new`, sync.
final class MaildirSink: MessageSink, @unchecked Sendable {
    private static let temporaryFolder = PathComponent(known: "tmp")
    private static let newFolder = PathComponent(known: "new")
    private static let readFolder = PathComponent(known: "cur")

    private let files: any MailboxFiles
    private let mailbox: MailboxPath
    private let name: MaildirName
    private let head: [UInt8]
    private let creation: MaildirSettings.Creation
    private var converter: LineEndConverter
    private var file: (any MailboxFile)?
    private var size = 0

    /// A sink for a message that begins with the fields `head`.
    init(_ mailbox: MailboxPath, name: MaildirName, head: [UInt8], settings: MaildirSettings, files: any MailboxFiles) {
        self.mailbox = mailbox
        self.name = name
        self.head = head
        self.files = files
        creation = settings.creation
        converter = LineEndConverter(settings.lineEnds)
    }

    func begin() throws(MailboxFileError) {
        guard let temporary = name.temporary else { throw .system(errno: 0) }
        do throws(MailboxFileError) {
            file = try files.create(temporary, in: mailbox.appending(MaildirSink.temporaryFolder))
        } catch {
            guard error == .missing, creation == .whenMissing else { throw error }
            for folder in [MaildirSink.readFolder, MaildirSink.newFolder, MaildirSink.temporaryFolder] {
                try files.makeDirectory(mailbox.appending(folder))
            }
            file = try files.create(temporary, in: mailbox.appending(MaildirSink.temporaryFolder))
        }
        try write(head)
    }

    func write(_ bytes: [UInt8]) throws(MailboxFileError) { try put(converter.convert(bytes)) }

    func finish() throws(MailboxFileError) {
        try put(converter.finish())
        try file?.sync()
        file = nil
        guard let temporary = name.temporary, let final = name.final(size: size) else { throw .system(errno: 0) }
        try files.move(temporary, from: mailbox.appending(MaildirSink.temporaryFolder), to: final,
                       in: mailbox.appending(MaildirSink.newFolder))
    }

    func abandon() {
        file = nil
        guard let temporary = name.temporary else { return }
        // What cannot be removed is swept by the readers of the Maildir, as they do with all that is old in `tmp`.
        try? files.remove(temporary, in: mailbox.appending(MaildirSink.temporaryFolder))
    }

    private func put(_ bytes: [UInt8]) throws(MailboxFileError) {
        guard !bytes.isEmpty else { return }
        try file?.write(bytes)
        size += bytes.count
    }
}

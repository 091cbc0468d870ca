import Glibc
import MessageFormat
import SMTP

/// The daemon's side of the maildrop: finds what was left, and takes it away once it is in the queue.
///
/// Any local user can put anything there. So nothing but an ordinary file with one name is opened,
/// its size is limited before it is read, and what is not understood is put aside, never deleted.
public struct MaildropReader: Sendable {
    private let directory: String
    private let maxMessageSize: Int

    /// A reader of `maildrop` for messages of up to `maxMessageSize` octets.
    public init(_ maildrop: Maildrop, maxMessageSize: Int) {
        directory = maildrop.directory
        self.maxMessageSize = maxMessageSize
    }

    /// A message with the user who left it.
    public struct Item: Sendable {
        /// The user id of the file's owner.
        public var userID: UInt32
        /// The message.
        public var message: LocalMessage
    }

    /// Why a file is no message.
    public enum Damage: Error, Hashable, Sendable {
        /// Not an ordinary file with one name, or not readable.
        case notAFile
        /// More octets than a message may have.
        case tooLarge
        /// Not what `baton send` writes, or not all of it.
        case format
    }

    private static let maxNames = 100_000

    /// The names of the files that wait, in no particular order.
    public func names() -> [String] {
        guard let folder = opendir(directory) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while names.count < MaildropReader.maxNames, let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name.hasSuffix(Maildrop.finalSuffix), !name.hasPrefix(Maildrop.damagedPrefix), !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    /// Reads the file called `name`.
    public func read(_ name: String) throws(Damage) -> Item {
        let file = open("\(directory)/\(name)", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { throw .notAFile }
        defer { close(file) }
        var status = stat()
        // A second name would let its owner bring the message back.
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else { throw .notAFile }
        guard status.st_size <= maxMessageSize + MaildropHeader.maxLength else { throw .tooLarge }
        let bytes = MaildropReader.contents(of: file, count: Int(status.st_size))
        return Item(userID: status.st_uid, message: try MaildropReader.message(in: bytes))
    }

    /// Takes the file called `name` away for good.
    public func remove(_ name: String) {
        unlink("\(directory)/\(name)")
        let folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }

    /// Puts the file called `name` aside for a person to look at; tells its new name.
    @discardableResult
    public func setAside(_ name: String) -> String {
        let new = Maildrop.damagedPrefix + name
        rename("\(directory)/\(name)", "\(directory)/\(new)")
        return new
    }

    private static func contents(of file: Int32, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: max(count, 1)) { buffer, filled in
            while filled < count {
                let got = Glibc.read(file, buffer.baseAddress.map { $0 + filled }, count - filled)
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { break }
                filled += got
            }
        }
    }

    private static func message(in bytes: [UInt8]) throws(Damage) -> LocalMessage {
        guard let end = bytes.prefix(MaildropHeader.maxLength).firstIndex(of: 0x0a),
              let header = try? WireLine.decode(MaildropHeader.self, from: bytes[..<end]),
              header.version == MaildropHeader.currentVersion, header.size == bytes.count - end - 1 else { throw .format }
        guard let message = LocalMessage(header, content: Array(bytes[(end + 1)...])) else { throw .format }
        return message
    }
}

extension LocalMessage {
    /// The message that `header` describes; nil when a value of it is none that `baton send` writes.
    fileprivate init?(_ header: MaildropHeader, content: [UInt8]) {
        // Whoever wrote the file by hand may have left line ends that mail must not have.
        self.content = LocalText.mail(from: content, endsAtDot: false)
        if header.sender.isEmpty {
            reversePath = .null
        } else {
            guard let sender = try? EmailAddress(parsing: header.sender) else { return nil }
            reversePath = .mailbox(sender)
        }
        recipients = []
        for text in header.recipients {
            guard let address = try? EmailAddress(parsing: text) else { return nil }
            recipients.append(address)
        }
        guard !recipients.isEmpty else { return nil }
        if let text = header.notify {
            guard let conditions = NotifyConditions(text.utf8) else { return nil }
            notify = conditions
        }
        if let text = header.returnContent {
            guard let content = ReturnContent(text.utf8) else { return nil }
            returnContent = content
        }
        // What MAIL could not carry (RFC 3461 §4.4) does not keep the message back, but a control in it would reach the next hop.
        envelopeID = header.envelopeID.flatMap { text in
            let isPrintable = text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
            return isPrintable && (1...LocalMessage.envelopeIDOctetsMax).contains(text.utf8.count) ? text : nil
        }
    }

    /// The longest ENVID (RFC 3461 §4.4).
    private static let envelopeIDOctetsMax = 100
}

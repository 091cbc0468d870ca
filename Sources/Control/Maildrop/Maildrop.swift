import Glibc
import MessageFormat
import Ports
import SMTP

/// The directory where `baton send` leaves messages while the daemon is down.
///
/// Every local user may put files into it and none may list it: mode 1733, owned by Baton's user.
/// The names cannot be guessed, the owner of a file is the sender's user id, and a file counts only
/// under its final name, which it gets once it is whole and synced.
public struct Maildrop: Sendable {
    /// Its path.
    public let directory: String

    /// The maildrop at `directory`.
    public init(directory: String) { self.directory = directory }

    /// Why a message could not be left.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// What failed, and why.
        public let description: String

        init(_ path: String, _ operation: String, _ code: Int32 = errno) {
            description = "\(path): \(operation): \(String(cString: strerror(code)))"
        }
    }

    static let finalSuffix = ".mail"
    static let unfinishedPrefix = "tmp-"
    static let damagedPrefix = "damaged-"

    /// Leaves `message`; when this returns, it survives a power failure.
    public func leave(_ message: LocalMessage, random: any RandomSource) throws(Failure) {
        let name = Maildrop.hexadecimal(random.next()) + Maildrop.hexadecimal(random.next())
        let unfinished = "\(directory)/\(Maildrop.unfinishedPrefix)\(name)"
        let final = "\(directory)/\(name)\(Maildrop.finalSuffix)"
        let file = open(unfinished, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failure(directory, "open") }
        defer { close(file) }
        do throws(Failure) {
            guard writeAll(Maildrop.header(of: message) + message.content, to: file) else { throw Failure(unfinished, "write") }
            // Baton's user has to read it, whatever the umask; the name keeps others out.
            guard fchmod(file, 0o644) == 0 else { throw Failure(unfinished, "fchmod") }
            guard fsync(file) == 0 else { throw Failure(unfinished, "fsync") }
            guard rename(unfinished, final) == 0 else { throw Failure(unfinished, "rename") }
        } catch {
            unlink(unfinished)
            throw error
        }
        try syncDirectory()
    }

    private func syncDirectory() throws(Failure) {
        let folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else {
            // Who may not read the directory cannot sync it alone.
            sync()
            return
        }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw Failure(directory, "fsync") }
    }

    private static func header(of message: LocalMessage) -> [UInt8] {
        WireLine.encode(MaildropHeader(
            sender: message.reversePath.address?.description ?? "", recipients: message.recipients.map(\.description),
            notify: message.notify?.wire, returnContent: message.returnContent?.keyword, envelopeID: message.envelopeID,
            size: message.content.count))
    }

    private static func hexadecimal(_ bits: UInt64) -> String {
        let digits = String(bits, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

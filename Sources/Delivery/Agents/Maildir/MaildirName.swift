import Events
import Ports

/// The names of one message in a Maildir: `SECONDS.M…Q…R…A….HOST` while it is written, with its size when it is there.
///
/// The queue id is never used twice, so that the name is unique without asking the file system.
struct MaildirName {
    private let base: String

    init(message: QueueID, recipient: UInt16, attempt: UInt32, at now: Timestamp, hostName: String) {
        let micros = (now.nanoseconds / 1000) % 1_000_000
        // The two characters that mean something in the name of a Maildir file, as the format's description says.
        var host = ""
        for scalar in hostName.unicodeScalars.prefix(100) {
            switch scalar {
            case "/": host += "\\057"
            case ":": host += "\\072"
            case "!"..."~": host.unicodeScalars.append(scalar)
            default: host += "_"
            }
        }
        base = "\(now.seconds).M\(abs(micros))Q\(message)R\(recipient)A\(attempt).\(host.isEmpty ? "localhost" : host)"
    }

    /// The name in `tmp`.
    var temporary: PathComponent? { PathComponent(base) }

    /// The name in `new`, with the size in octets as servers read it from there.
    func final(size: Int) -> PathComponent? { PathComponent("\(base),S=\(size)") }
}

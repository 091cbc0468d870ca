import Glibc
import MailQueue

/// Remembers across runs how the process ended, so that a message that makes it trap is told from a power cut.
///
/// One octet in a file: `running`, replaced by `orderly` at an ordered end and by `crashed` from the
/// handler of a fatal signal. What still says `running` at the next start was killed.
struct ExitRecord: Sendable {
    private static let running = UInt8(ascii: "r"), orderly = UInt8(ascii: "o"), crashed = UInt8(ascii: "c")

    /// How the last run ended.
    let lastExit: LastExit
    private let descriptor: CInt

    /// Reads the record in `directory` and marks this run as running.
    init(directory: String) {
        let path = directory + "/exit"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        var octet = UInt8(0)
        let isThere = descriptor >= 0 && pread(descriptor, &octet, 1, 0) == 1
        lastExit = switch octet {
        case _ where !isThere: .orderly
        case ExitRecord.running: .killed
        case ExitRecord.orderly: .orderly
        case ExitRecord.crashed: .crashed
        default: .unknown
        }
        write(ExitRecord.running)
        ExitRecord.catchCrashes(descriptor)
    }

    /// Marks this run as ended in order.
    func markOrderly() { write(ExitRecord.orderly) }

    private func write(_ octet: UInt8) {
        guard descriptor >= 0 else { return }
        var octet = octet
        pwrite(descriptor, &octet, 1, 0)
        fsync(descriptor)
    }

    // A signal handler can reach nothing but globals, and may only make system calls.
    nonisolated(unsafe) private static var crashDescriptor: CInt = -1

    private static func catchCrashes(_ descriptor: CInt) {
        crashDescriptor = descriptor
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                var octet = UInt8(ascii: "c")
                pwrite(ExitRecord.crashDescriptor, &octet, 1, 0)
                fsync(ExitRecord.crashDescriptor)
                raise(number)
            }
            // The handler runs once; its own raise then ends the process the ordinary way.
            action.sa_flags = CInt(bitPattern: UInt32(SA_RESETHAND)) | SA_NODEFER
            sigaction(number, &action, nil)
        }
    }
}

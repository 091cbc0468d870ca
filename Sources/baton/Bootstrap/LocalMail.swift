import Configuration
import Control
import Dispatch
import Glibc
import Logging
import MailQueue
import Ports
import Receiving
import Sockets

/// Mail of local programs: the submit socket, and the maildrop that they use while the daemon is down.
///
/// `@unchecked Sendable`: the adopter is touched on the core loop only.
final class LocalMail: @unchecked Sendable {
    private let adopter: MaildropAdopter
    private let core: any Loop
    private let logger: Logger
    private let background = DispatchQueue(label: "baton.maildrop")

    /// How often the maildrop is looked at: programs that found no daemon in the second of a restart are not forgotten.
    private static let interval = Duration.minutes(1)
    /// Every local user may speak to the socket, and leave but not list mail in the maildrop.
    private static let socketMode: UInt32 = 0o666, maildropMode: mode_t = 0o1733

    /// Makes the maildrop where it is missing.
    init(_ configuration: BatonConfiguration, queue: Queue, intake: any MessageIntake, policies: ListenerPolicies,
         logger: Logger) throws {
        core = queue.core
        self.logger = logger
        let maildrop = Maildrop(directory: configuration.maildrop)
        if mkdir(configuration.maildrop, LocalMail.maildropMode) == 0 {
            // The process's own mask must not close the door to users.
            chmod(configuration.maildrop, LocalMail.maildropMode)
        } else if errno != EEXIST {
            throw DaemonError.directory(configuration.maildrop, errno: errno)
        }
        let background = background
        adopter = MaildropAdopter(
            reader: MaildropReader(maildrop, maxMessageSize: configuration.limits.maxMessageSize), intake: intake, mint: queue.mint,
            cleanup: { policies.submit.cleanup }, loop: core) { job in background.async(execute: job) }
    }

    /// Listens for local programs.
    static func listen(_ configuration: BatonConfiguration, policies: ListenerPolicies, receiving: SMTPService,
                       group: LoopGroup) throws -> NIOListener {
        var settings = ListenerSettings()
        settings.maxConnections = configuration.limits.maxConnections
        settings.fileMode = socketMode
        return try NIOListener.listen(on: .unix(path: configuration.control.submitSocket), settings: settings, group: group) { loop in
            receiving.makeHandler(policies.submit, on: loop)
        }
    }

    /// Adopts what lies in the maildrop, now and from time to time.
    func begin() {
        core.run {
            self.adopter.run { report in
                if report.postponed > 0 || !report.adopted.isEmpty || !report.setAside.isEmpty {
                    self.logger.notice("maildrop", metadata: [
                        "adopted": "\(report.adopted.count)", "postponed": "\(report.postponed)",
                        "set_aside": "\(report.setAside.joined(separator: " "))",
                    ])
                }
                _ = self.core.schedule(at: self.core.now + LocalMail.interval) { self.begin() }
            }
        }
    }
}

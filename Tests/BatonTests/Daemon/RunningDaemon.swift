@testable import baton
import Configuration
import Control
import Glibc
import Logging
import Ports
import Sockets
import Testing

/// A daemon in a folder of the test's own, on a loopback address of its own.
final class RunningDaemon {
    let folder: TemporaryFolder
    let log: LogPipe
    let manager: ServiceManager
    let sink: LogSink
    let daemon: Daemon
    private let number: UInt8

    /// The configuration of daemon `number`, which no other test may use.
    static func configuration(_ number: UInt8, mailboxes: String = "[alice, bob]", route: String = "type: smarthost, hosts: nowhere.test",
                              hostname: String = "mx.test.example", spool: String = "segmentSize: 1MiB, minFree: 2MiB",
                              _ more: String = "") -> String {
        """
        hostname: \(hostname)
        listeners: [{address: "\(address(number)):2525"}]
        domains:
          here.example: {route: boxes, mailboxes: \(mailboxes), aliases: {sales: [bob], bob: [bob, alice]}}
          away.example: {route: away, mailboxes: [carol]}
        relayNetworks: []
        routes:
          boxes: {type: maildir, path: "mail/{domain}/{user}"}
          away: {\(route)}
        spool: {directory: spool, allowUnsafe: true, \(spool)}
        dns: {zone: zone.json}
        control: {socket: control, submitSocket: submit, group: "\(getgid())"}
        \(more)
        """
    }

    /// An address of the loopback network that belongs to this process and test.
    static func address(_ number: UInt8) -> String {
        let process = getpid()
        return "127.\(1 + (process >> 8) & 0x7f).\(process & 0xff).\(number)"
    }

    /// Starts a daemon with this text for its file, in a new folder or where another one ran.
    init(_ number: UInt8, _ text: String, in folder: TemporaryFolder? = nil,
         activated: ActivatedSockets = ActivatedSockets([])) throws {
        self.number = number
        let folder = try folder ?? TemporaryFolder()
        self.folder = folder
        log = try LogPipe()
        unlink(folder.path + "/notify")
        manager = try ServiceManager(path: folder.path + "/notify")
        sink = LogSink(descriptor: log.writeEnd)
        try folder.write("{}", to: "zone.json")
        let path = try folder.write(text, to: "baton.yaml")
        let handler = LineLogHandler(sink: sink) { Timestamp(seconds: 0) }
        daemon = try Daemon(BatonConfiguration.load(path), path: path, sink: sink, logger: Logger(label: "baton") { _ in handler },
                            notifier: SystemdNotifier(path: manager.path), activated: activated)
    }

    /// Replaces the file and has it read again.
    func reload(_ text: String) throws -> ReloadReport {
        try folder.write(text, to: "baton.yaml")
        return try daemon.reload()
    }

    func stop() async {
        await withCheckedContinuation { ended in daemon.stop { ended.resume() } }
        sink.flush()
    }

    func connect() throws -> SMTPDialog { try SMTPDialog(to: RunningDaemon.address(number)) }

    /// Whether a message to `recipient` would be taken now.
    func accepts(_ recipient: String) throws -> Bool {
        let dialog = try connect()
        _ = dialog.say("EHLO client.example")
        _ = dialog.say("MAIL FROM:<x@client.example>")
        return dialog.say("RCPT TO:<\(recipient)>").hasPrefix("250")
    }

    /// Sends a message; returns its id.
    func send(to recipient: String, _ text: String) throws -> String {
        let dialog = try connect()
        for line in ["EHLO client.example", "MAIL FROM:<x@client.example>", "RCPT TO:<\(recipient)>", "DATA"] {
            #expect("23".contains(dialog.say(line).prefix(1)), "\(line)")
        }
        let reply = dialog.say(text + "\r\n.")
        #expect(reply.hasPrefix("250 2.0.0 Queued as "))
        #expect(dialog.say("QUIT").hasPrefix("221"))
        return String(reply.split(whereSeparator: \.isWhitespace).last ?? "")
    }

    /// Asks over the control socket; the answer as it comes.
    func control(_ command: String) throws -> String {
        let stream = try LocalStream(path: folder.path + "/control", timeoutSeconds: 10)
        try stream.write(Array("{\"command\":\"\(command)\"}\n".utf8))
        return String(decoding: try stream.read(), as: UTF8.self)
    }

    /// The messages in a mailbox.
    func messages(_ mailbox: String) throws -> [String] {
        try folder.names(in: "mail/\(mailbox)/new").map { try folder.read("mail/\(mailbox)/new/\($0)") }
    }
}

/// A client on a real socket, one line at a time.
final class SMTPDialog {
    private let descriptor: CInt
    let greeting: String

    /// Nothing listens there.
    struct Unreachable: Error { let address: String }

    init(to address: String) throws {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        self.descriptor = descriptor
        try #require(descriptor >= 0)
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = UInt16(2525).bigEndian
        inet_pton(AF_INET, address, &name.sin_addr)
        let result = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            close(descriptor)
            throw Unreachable(address: address)
        }
        greeting = SMTPDialog.reply(descriptor)
    }

    deinit { close(descriptor) }

    /// Sends a line and returns the reply to it, all its lines.
    func say(_ line: String) -> String {
        let bytes = Array((line + "\r\n").utf8)
        guard Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count else { return "" }
        let reply = SMTPDialog.reply(descriptor)
        // A server waits a while for its client to close first.
        if reply.hasPrefix("221") { shutdown(descriptor, CInt(SHUT_RDWR)) }
        return reply
    }

    private static func reply(_ descriptor: CInt) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
            let lines = bytes.split(separator: 0x0a)
            // The last line of a reply has a space after the code (RFC 5321 §4.2.1).
            if bytes.last == 0x0a, let last = lines.last, last.count > 3, last[last.startIndex + 3] == 0x20 {
                return String(decoding: bytes, as: UTF8.self)
            }
        }
    }
}

import Events
import Glibc
import MailQueue
import MessageFormat
import Ports
import SMTP
import Sockets
import Synchronization
import Testing

@testable import Control

/// A new maildrop in a directory of its own.
private func newMaildrop() -> Maildrop {
    Maildrop(directory: temporaryDirectory())
}

private func message(_ body: String = "hello", recipients: [String] = ["bob@x.example"]) throws -> LocalMessage {
    let arguments = try SendmailArguments(["-N", "delay", "-R", "hdrs", "-V", "v", "-i"] + recipients)
    return try LocalMessage(arguments, input: Array("Subject: s\n\n\(body)\n".utf8), user: "me", host: "h.example")
}

private final class CountingRandom: RandomSource {
    private var count: UInt64 = 0
    func next() -> UInt64 {
        count += 1
        return count
    }
}

@Suite("Maildrop")
struct MaildropTests {
    private func files(_ maildrop: Maildrop) -> [String] {
        guard let folder = opendir(maildrop.directory) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names.filter { !$0.hasPrefix(".") }.sorted()
    }

    private func write(_ bytes: [UInt8], _ maildrop: Maildrop, _ name: String) {
        let file = open("\(maildrop.directory)/\(name)", O_CREAT | O_TRUNC | O_WRONLY, 0o644)
        _ = writeAll(bytes, to: file)
        close(file)
    }

    private func contents(_ path: String) -> [UInt8] {
        let file = open(path, O_RDONLY)
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        return Array(buffer[..<max(0, read(file, &buffer, buffer.count))])
    }

    @Test("what was left is read as it was, with the user who left it")
    func roundTrip() throws {
        let maildrop = newMaildrop()
        let left = try message()
        try maildrop.leave(left, random: CountingRandom())
        let reader = MaildropReader(maildrop, maxMessageSize: 1 << 20)
        let name = try #require(reader.names().first)
        #expect(name == "00000000000000010000000000000002.mail")
        let item = try reader.read(name)
        #expect(item.message == left)
        #expect(item.userID == getuid())
        reader.remove(name)
        #expect(files(maildrop).isEmpty)
    }

    @Test("a directory that is not there is an error that names it")
    func absent() throws {
        let maildrop = Maildrop(directory: "/tmp/baton-absent/maildrop")
        let left = try message()
        #expect(throws: Maildrop.Failure.self) { try maildrop.leave(left, random: CountingRandom()) }
    }

    @Test("a file cut at any place is damaged, never half a message")
    func truncation() throws {
        let maildrop = newMaildrop()
        try maildrop.leave(try message("0123456789"), random: CountingRandom())
        let reader = MaildropReader(maildrop, maxMessageSize: 1 << 20)
        let name = try #require(reader.names().first)
        let bytes = contents("\(maildrop.directory)/\(name)")
        #expect(bytes.count > 100)
        for count in 0..<bytes.count {
            write(Array(bytes[..<count]), maildrop, "cut.mail")
            #expect(throws: MaildropReader.Damage.format) { try reader.read("cut.mail") }
        }
        write(bytes + [0x2e], maildrop, "cut.mail")
        #expect(throws: MaildropReader.Damage.format) { try reader.read("cut.mail") }
        write(bytes, maildrop, "cut.mail")
        #expect(throws: Never.self) { try reader.read("cut.mail") }
    }

    @Test("line ends that mail must not have are put right")
    func lineEnds() throws {
        let maildrop = newMaildrop()
        let header = #"{"version":1,"sender":"a@x.example","recipients":["b@x.example"],"size":4}"#
        write(Array("\(header)\nx\n.\r".utf8), maildrop, "hand.mail")
        let item = try MaildropReader(maildrop, maxMessageSize: 1000).read("hand.mail")
        #expect(item.message.content == Array("x\r\n.\r\n".utf8))
    }

    @Test("an envelope id that MAIL could not carry is left out", arguments: [#"a\r\nRCPT TO:<e@x.example>"#, String(repeating: "a", count: 101), "é", ""])
    func envelopeID(text: String) throws {
        let maildrop = newMaildrop()
        let header = #"{"version":1,"sender":"a@x.example","recipients":["b@x.example"],"size":1,"envelopeID":"\#(text)"}"#
        write(Array("\(header)\nx".utf8), maildrop, "hand.mail")
        #expect(try MaildropReader(maildrop, maxMessageSize: 1000).read("hand.mail").message.envelopeID == nil)
    }

    @Test("links, directories, FIFOs and files that are too large are not opened or not read")
    func strangeFiles() throws {
        let maildrop = newMaildrop()
        let reader = MaildropReader(maildrop, maxMessageSize: 1000)
        try maildrop.leave(try message(), random: CountingRandom())
        let name = try #require(reader.names().first)
        let path = maildrop.directory + "/"
        symlink(path + name, path + "symbolic.mail")
        #expect(throws: MaildropReader.Damage.notAFile) { try reader.read("symbolic.mail") }
        mkfifo(path + "fifo.mail", 0o644)
        #expect(throws: MaildropReader.Damage.notAFile) { try reader.read("fifo.mail") }
        mkdir(path + "folder.mail", 0o755)
        #expect(throws: MaildropReader.Damage.notAFile) { try reader.read("folder.mail") }
        link(path + name, path + "second.mail")
        #expect(throws: MaildropReader.Damage.notAFile) { try reader.read(name) }
        let large = open(path + "large.mail", O_CREAT | O_WRONLY, 0o644)
        ftruncate(large, 1 << 32)
        close(large)
        #expect(throws: MaildropReader.Damage.tooLarge) { try reader.read("large.mail") }
        #expect(reader.setAside("fifo.mail") == "damaged-fifo.mail")
        #expect(!reader.names().contains("fifo.mail"))
        #expect(!reader.names().contains("damaged-fifo.mail"))
    }

    @Test("headers that claim too much or name nobody are damage", arguments: [
        #"{"version":2,"sender":"","recipients":["b@x.example"],"size":0}"#,
        #"{"version":1,"sender":"","recipients":[],"size":0}"#,
        #"{"version":1,"sender":"a b","recipients":["b@x.example"],"size":0}"#,
        #"{"version":1,"sender":"","recipients":["b@x.example\r\nRCPT"],"size":0}"#,
        #"{"version":1,"sender":"","recipients":["b@x.example"],"size":-1}"#,
        #"{"version":1,"sender":"","recipients":["b@x.example"],"size":0,"notify":"NEVER,ALWAYS"}"#,
        "\u{0}", "[]",
    ])
    func headers(_ header: String) {
        let maildrop = newMaildrop()
        write(Array("\(header)\n".utf8), maildrop, "x.mail")
        #expect(throws: MaildropReader.Damage.format) { try MaildropReader(maildrop, maxMessageSize: 1000).read("x.mail") }
    }
}

@Suite("Adoption of the maildrop", .timeLimit(.minutes(1)))
struct MaildropAdopterTests {
    private func adopt(_ maildrop: Maildrop, _ intake: RecordingIntake) throws -> MaildropAdopter.Report {
        let host = try Domain(parsing: "host.example")
        let adopter = MaildropAdopter(
            reader: MaildropReader(maildrop, maxMessageSize: 10 << 20), intake: intake, mint: QueueIDMint(incarnation: 1),
            cleanup: { Cleanup(settings: CleanupSettings(hostName: host)) }, loop: testLoops.loops[0], inBackground: { $0() })
        let answer = Answer<MaildropAdopter.Report>()
        adopter.run { answer.give($0) }
        return try #require(answer.wait())
    }

    @Test("every message is adopted once, large ones in parts, and the files are gone")
    func adopts() throws {
        let maildrop = newMaildrop()
        let random = CountingRandom()
        try maildrop.leave(try message("small"), random: random)
        let large = try message(String(repeating: "0123456789abcde\n", count: 60_000), recipients: ["eve@y.example"])
        try maildrop.leave(large, random: random)
        let intake = RecordingIntake()
        let report = try adopt(maildrop, intake)
        #expect(report.adopted.count == 2)
        #expect(report.setAside.isEmpty)
        #expect(MaildropReader(maildrop, maxMessageSize: 1).names().isEmpty)
        let accepted = intake.accepted
        #expect(Set(accepted.map(\.id)) == Set(report.adopted))
        let second = try #require(accepted.first { $0.chunkedSize > 0 })
        let parts = intake.chunks.filter { $0.0 == second.id }.flatMap(\.1)
        #expect(parts + second.body == large.content)
        let first = try #require(accepted.first { $0.chunkedSize == 0 })
        #expect(first.envelope.origin.userID == getuid())
        #expect(first.envelope.returnContent == .headers)
        #expect(first.envelope.recipients.first?.notify == .delay)
        #expect(String(decoding: first.prefix, as: UTF8.self).contains("Message-ID:"))
        #expect(try adopt(maildrop, intake).adopted.isEmpty)
    }

    @Test("what is no message is put aside and stops nothing")
    func setsAside() throws {
        let maildrop = newMaildrop()
        close(open(maildrop.directory + "/00.mail", O_CREAT | O_WRONLY, 0o644))
        try maildrop.leave(try message(), random: CountingRandom())
        let report = try adopt(maildrop, RecordingIntake())
        #expect(report.adopted.count == 1)
        #expect(report.setAside == ["damaged-00.mail"])
    }

    @Test("when the queue takes nothing the files stay")
    func postpones() throws {
        let maildrop = newMaildrop()
        let random = CountingRandom()
        for _ in 0..<3 { try maildrop.leave(try message(), random: random) }
        let intake = RecordingIntake()
        intake.refusal = .insufficientStorage
        let report = try adopt(maildrop, intake)
        #expect(report.postponed == 3)
        #expect(MaildropReader(maildrop, maxMessageSize: 1).names().count == 3)
        intake.refusal = nil
        #expect(try adopt(maildrop, intake).adopted.count == 3)
    }
}

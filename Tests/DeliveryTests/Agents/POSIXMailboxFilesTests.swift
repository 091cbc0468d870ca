import Foundation
import Ports
import Synchronization
import Testing
@testable import Delivery

/// The real file system, in a folder of its own.
@Suite final class POSIXMailboxFilesTests {
    private let root: String
    private let files = POSIXMailboxFiles()

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("baton-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    private func name(_ text: String) throws -> PathComponent { try #require(PathComponent(text)) }

    private func folder(_ names: String...) throws -> MailboxPath { MailboxPath(root: root, components: try names.map(name)) }

    @Test func writesMovesAndAppends() throws {
        let tmp = try folder("d", "u", "tmp"), new = try folder("d", "u", "new")
        #expect(throws: MailboxFileError.missing) { try files.create(name("a"), in: tmp) }
        try files.makeDirectory(tmp)
        try files.makeDirectory(new)
        let file = try files.create(name("a"), in: tmp)
        try file.write(Array("hello ".utf8))
        try file.write(Array("world".utf8))
        try file.sync()
        #expect(throws: MailboxFileError.exists) { try files.create(name("a"), in: tmp) }
        try files.move(name("a"), from: tmp, to: name("b"), in: new)
        #expect(try String(contentsOfFile: root + "/d/u/new/b", encoding: .utf8) == "hello world")
        #expect(!FileManager.default.fileExists(atPath: root + "/d/u/tmp/a"))
        _ = try files.create(name("a"), in: tmp)
        #expect(throws: MailboxFileError.exists) { try files.move(name("a"), from: tmp, to: name("b"), in: new) }
        try files.remove(name("a"), in: tmp)
        #expect(throws: MailboxFileError.missing) { try files.remove(name("a"), in: tmp) }
        try files.append([0x78], to: name("log"), in: new)
        try files.append([0x79], to: name("log"), in: new)
        #expect(try String(contentsOfFile: root + "/d/u/new/log", encoding: .utf8) == "xy")
        let mode = try FileManager.default.attributesOfItem(atPath: root + "/d/u/new/b")[.posixPermissions] as? Int
        #expect(mode.map { $0 & 0o077 } == 0)
    }

    @Test func linksAreNotFollowedBelowTheRoot() throws {
        try files.makeDirectory(folder("d"))
        try FileManager.default.createDirectory(atPath: root + "/elsewhere", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: root + "/d/u", withDestinationPath: root + "/elsewhere")
        #expect(throws: MailboxFileError.notADirectory) { try files.makeDirectory(folder("d", "u", "tmp")) }
        #expect(throws: MailboxFileError.notADirectory) { try files.create(name("a"), in: folder("d", "u")) }
        try FileManager.default.createSymbolicLink(atPath: root + "/d/index", withDestinationPath: root + "/elsewhere/secret")
        #expect(throws: MailboxFileError.notADirectory) { try files.append([1], to: name("index"), in: folder("d")) }
        #expect(throws: MailboxFileError.exists) { try files.create(name("index"), in: folder("d")) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/elsewhere").isEmpty)
        // The root itself may lead through links: the configuration names it.
        try FileManager.default.createSymbolicLink(atPath: root + "/way", withDestinationPath: root + "/elsewhere")
        try files.makeDirectory(MailboxPath(root: root + "/way/deep", components: [name("d")]))
        #expect(FileManager.default.fileExists(atPath: root + "/elsewhere/deep/d"))
    }

    @Test func aFileOrFIFOInTheWayIsRefused() throws {
        try Data().write(to: URL(fileURLWithPath: root + "/file"))
        #expect(throws: MailboxFileError.notADirectory) { try files.makeDirectory(folder("file", "tmp")) }
        #expect(mkfifo(root + "/pipe", 0o600) == 0)
        #expect(throws: MailboxFileError.self) { try files.append([1], to: name("pipe"), in: folder()) }
    }

    @Test func threadsRunEveryJob() throws {
        let threads = try #require(MailboxThreads(count: 3))
        let count = Mutex(0)
        for _ in 0..<5000 { threads.submit { count.withLock { $0 += 1 } } }
        threads.shutdown()
        #expect(count.withLock { $0 } == 5000)
    }
}

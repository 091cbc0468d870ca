@testable import baton
import MailQueue
import Testing

@Suite struct ExitRecordTests {
    @Test("How the last run ended")
    func ends() throws {
        let folder = try TemporaryFolder()
        let first = ExitRecord(directory: folder.path)
        #expect(first.lastExit == .orderly, "there was no run before")
        let second = ExitRecord(directory: folder.path)
        #expect(second.lastExit == .killed)
        second.markOrderly()
        #expect(ExitRecord(directory: folder.path).lastExit == .orderly)
        // What the handler of a fatal signal leaves.
        try folder.write("c", to: "exit")
        #expect(ExitRecord(directory: folder.path).lastExit == .crashed)
        try folder.write("?", to: "exit")
        #expect(ExitRecord(directory: folder.path).lastExit == .unknown)
        #expect(try folder.read("exit") == "r")
    }

    @Test func aFolderThatIsNotThereIsNoCrash() {
        #expect(ExitRecord(directory: "/nowhere/at/all").lastExit == .orderly)
    }
}

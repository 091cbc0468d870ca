@testable import baton
import MailQueue
import Testing

@Suite struct TemplatesTests {
    @Test("Files replace the built-in words, each for itself")
    func replaces() throws {
        let folder = try TemporaryFolder()
        try folder.write("Subject: Sorry, {{recipient}}\n\nIt failed at {{host}}.\n", to: "failed.txt")
        try folder.write("not read", to: "README")
        let templates = try DSNTemplates(directory: folder.path)
        #expect(templates.failed.subject == "Sorry, {{recipient}}" && templates.failed.text == "It failed at {{host}}.\n")
        #expect(templates.delayed == DSNTemplates().delayed)
        #expect(try SettingsTests.configuration("bounces: {templates: \(folder.path)}").makeTemplates() == templates)
        #expect(SettingsTests.queueSettings(try SettingsTests.configuration()).templates == DSNTemplates())
    }

    @Test("Every mistake in a template is named at once")
    func mistakes() throws {
        let folder = try TemporaryFolder()
        try folder.write("Dear sender\n", to: "failed.txt")
        try folder.write("Subject: Late\n\n{{when}}\n", to: "delayed.txt")
        try folder.write("Subject: x\n\nx\n", to: "bounced.txt")
        try folder.write("Subject: x\n\n" + String(repeating: "x", count: 65_536), to: "success.txt")
        let error = try #require(throws: TemplateMistakes.self) { try DSNTemplates(directory: folder.path) }
        #expect(error.mistakes.map { $0.dropFirst(folder.path.count + 1) } == [
            "bounced.txt: is never used; expected failed.txt, delayed.txt, success.txt, double-bounce.txt",
            "delayed.txt: there is no {{when}}; known names: \(DSNTemplate.names.sorted().joined(separator: ", "))",
            "failed.txt: the first line must be “Subject: …”",
            "success.txt: is longer than 65536 octets",
        ])
    }

    @Test func aMissingFolderIsNamed() throws {
        let error = try #require(throws: TemplateMistakes.self) { try DSNTemplates(directory: "/nowhere/at/all") }
        #expect(error.mistakes == ["/nowhere/at/all: No such file or directory"])
    }
}

import Foundation
import Testing

/// The rules of the code that a machine can check, as a test.
@Suite("Tidy") struct TidyTests {
    /// What a target may import: everything below it, nothing beside or above it.
    static let layers: [[String]] = [
        ["Ports"],
        ["MessageFormat", "Cryptography", "Sockets"],
        ["Storage", "SMTP", "DNS"],
        ["Events", "MailAuth"],
        ["MailQueue"],
        ["Receiving", "Delivery", "Accounts", "Certificates"],
        ["Control", "Configuration"],
        ["baton"],
    ]

    /// Calls that take time, chance or concurrency from the system instead of as an argument, and what to use instead.
    static let banned: [(call: String, instead: String)] = [
        ("Date()", "the loop's `now`"),
        (".random(in", "a `RandomSource`"),
        (".random()", "a `RandomSource`"),
        ("SystemRandomNumberGenerator", "a `RandomSource`"),
        ("ContinuousClock", "the loop's `now`"),
        ("Task {", "a callback on a loop"),
        ("Task.detached", "a callback on a loop"),
        ("DispatchQueue", "a loop, or the executor of the target"),
        ("try!", "a typed error"),
        ("fatalError(", "`preconditionFailure` with the rule that was broken"),
    ]

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    struct Source {
        let path: String
        let target: String
        let lines: [Substring]
    }

    static let sources: [Source] = {
        let folder = root.appendingPathComponent("Sources")
        guard let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil) else { return [] }
        return files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.compactMap { file in
            guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
            let path = String(file.path.dropFirst(folder.path.count + 1))
            return Source(path: path, target: String(path.prefix { $0 != "/" }),
                          lines: text.split(separator: "\n", omittingEmptySubsequences: false))
        }
    }()

    @Test func sourcesAreFound() { #expect(TidyTests.sources.count > 50) }

    @Test("The import list is the architecture") func importsPointDown() {
        var row: [String: Int] = [:]
        for (index, layer) in TidyTests.layers.enumerated() { for target in layer { row[target] = index } }
        for source in TidyTests.sources {
            guard let own = row[source.target] else { continue }
            for line in source.lines where line.hasPrefix("import ") {
                let name = String(line.dropFirst("import ".count))
                guard let other = row[name] else { continue }
                #expect(other < own, "\(source.path) imports \(name), which is not below \(source.target)")
            }
        }
    }

    @Test("NIO stays in Sockets, Foundation above Delivery") func librariesStayWhereTheyBelong() {
        let low = Set(TidyTests.layers.prefix(5).joined() + ["Receiving", "Delivery"])
        for source in TidyTests.sources {
            for line in source.lines where line.hasPrefix("import ") {
                let name = line.dropFirst("import ".count)
                #expect(!name.hasPrefix("NIO") || source.target == "Sockets", "\(source.path) imports \(name)")
                #expect(name != "Foundation" || !low.contains(source.target), "\(source.path) imports Foundation")
            }
        }
    }

    @Test("Time, chance and concurrency are arguments") func bannedCalls() {
        for source in TidyTests.sources where source.target != "baton" {
            for (number, line) in source.lines.enumerated() {
                let code = line.range(of: "//").map { line[..<$0.lowerBound] } ?? line
                for rule in TidyTests.banned where code.contains(rule.call) {
                    // The library of tokens can be called in no other way; it is behind callbacks there.
                    if rule.call == "Task {", source.path == "Accounts/Tokens/TokenVerifier+Library.swift" { continue }
                    // The threads that serve the ports are where the system is meant to be used.
                    if source.path.hasPrefix("Sockets/System") || source.path.hasPrefix("Sockets/ProcessClock") { continue }
                    Issue.record("\(source.path):\(number + 1): \(rule.call) is banned here; use \(rule.instead)")
                }
            }
        }
    }

    @Test("Nothing is left for later") func nothingIsLeftForLater() {
        for source in TidyTests.sources {
            for (number, line) in source.lines.enumerated() {
                for word in ["TODO", "FIXME", "XXX", "HACK"] where line.contains(word) {
                    Issue.record("\(source.path):\(number + 1): \(word)")
                }
            }
        }
    }

    @Test("Names say what a thing is") func names() {
        for source in TidyTests.sources {
            let file = source.path.split(separator: "/").last ?? ""
            for word in ["Utils", "Helper", "Manager", "Common", "Misc"] {
                #expect(!file.contains(word), "\(source.path): a name that says nothing")
            }
            #expect(source.lines.count <= 600, "\(source.path) has \(source.lines.count) lines: split it by concern")
        }
    }

    @Test("Every test that HOSTILE.md names is there") func hostileRowsHaveTests() throws {
        let text = try String(contentsOf: TidyTests.root.appendingPathComponent("docs/HOSTILE.md"), encoding: .utf8)
        let names = text.split(separator: "`").filter { $0.contains("/") && ($0.hasSuffix(".swift") || $0.hasSuffix(".smtp")) }
        #expect(names.count > 40)
        for name in names {
            #expect(FileManager.default.fileExists(atPath: TidyTests.root.appendingPathComponent("Tests/\(name)").path), "\(name)")
        }
    }
}

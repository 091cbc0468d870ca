import Configuration
import Glibc
import Testing

@Suite struct DocumentTests {
    /// The folder of the package.
    static let package = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")

    static func read(_ path: String) -> String? {
        guard let file = fopen("\(package)/\(path)", "r") else { return nil }
        defer { fclose(file) }
        var octets: [UInt8] = []
        while case let octet = getc(file), octet != EOF { octets.append(UInt8(truncatingIfNeeded: octet)) }
        return String(decoding: octets, as: UTF8.self)
    }

    static func write(_ text: String, to path: String) {
        guard let file = fopen("\(package)/\(path)", "w") else { return }
        fputs(text, file)
        fclose(file)
    }

    /// With WRITE_DOCUMENTS set, the files are written instead.
    @Test(arguments: [("docs/CONFIGURATION.md", BatonConfiguration.referencePage), ("examples/baton.yaml", BatonConfiguration.exampleFile)])
    func isUpToDate(path: String, text: String) {
        if getenv("WRITE_DOCUMENTS") != nil { DocumentTests.write(text, to: path) }
        let isEqual = DocumentTests.read(path) == text
        #expect(isEqual, "\(path) is out of date: run WRITE_DOCUMENTS=1 swift test --filter DocumentTests")
    }

    @Test func theExampleIsRight() throws {
        let configuration = try BatonConfiguration.check(BatonConfiguration.exampleFile, file: "baton.yaml", files: .everything)
        #expect(configuration.listeners.count == 2)
        #expect(configuration.queue == QueueConfiguration())
    }

    @Test("Every default is a value that the checker takes")
    func defaultsAreRight() throws {
        // The commented defaults, uncommented.
        var lines: [Substring] = []
        var isSection = false
        for line in BatonConfiguration.exampleFile.split(separator: "\n") {
            if line.first?.isLetter == true { isSection = line.hasSuffix(":") && !["domains:", "routes:", "listeners:", "rules:", "aliases:", "relayDomains:"].contains(line) }
            let text = line.drop { $0 == " " }
            guard isSection, text.hasPrefix("# "), let colon = text.firstIndex(of: ":"), !text[text.index(after: colon)...].isEmpty,
                  text[text.index(text.startIndex, offsetBy: 2)..<colon].allSatisfy({ $0.isLetter }),
                  !text.hasSuffix("."), !text.hasSuffix(","), !text.hasSuffix(")") else {
                lines.append(line)
                continue
            }
            lines.append(line.prefix { $0 == " " } + text.dropFirst(2))
        }
        let text = lines.joined(separator: "\n")
        #expect(text.contains("\n  lifetime: 5d\n"))
        let configuration = try BatonConfiguration.check(text, file: "baton.yaml", files: .everything)
        let expected = try BatonConfiguration.check(BatonConfiguration.exampleFile, file: "baton.yaml", files: .everything)
        #expect(configuration == expected)
    }
}

extension FileFacts {
    /// Every directory and every file is there: names with a dot are files.
    static let everything = FileFacts { $0.split(separator: "/").last?.contains(".") == true ? .readableFile : .directory }
}

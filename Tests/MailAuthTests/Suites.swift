import Foundation

/// Where the conformance suites of others lie: `BATON_SUITES`, or beside the repository.
enum Suites {
    static let root: URL = {
        if let path = ProcessInfo.processInfo.environment["BATON_SUITES"] { return URL(filePath: path) }
        var folder = URL(filePath: #filePath)
        for _ in 0..<4 { folder.deleteLastPathComponent() }
        // A worktree lies one folder deeper than the repository.
        let candidates = [folder, folder.deletingLastPathComponent()].map { $0.appending(path: "../shared/suites").standardized }
        return candidates.first { FileManager.default.fileExists(atPath: $0.path) } ?? candidates[0]
    }()

    static func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: root.appending(path: name).path) }
    static func data(_ path: String) throws -> Data { try Data(contentsOf: root.appending(path: path)) }
}

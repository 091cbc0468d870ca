import Foundation

/// Where the third-party conformance suites lie: `BATON_SUITES`, or `../shared/suites` beside the project.
enum SuiteFolder {
    static let root: URL = {
        if let path = ProcessInfo.processInfo.environment["BATON_SUITES"] { return URL(fileURLWithPath: path) }
        var project = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { project.deleteLastPathComponent() }
        return project.appendingPathComponent("shared/suites")
    }()

    static func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: root.appendingPathComponent(name).path) }

    static func data(_ path: String) throws -> Data { try Data(contentsOf: root.appendingPathComponent(path)) }

    static func json<T: Decodable>(_ path: String, as type: T.Type) throws -> T {
        try JSONDecoder().decode(type, from: data(path))
    }
}

import Glibc
import Testing

/// A folder of the test's own, gone with it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        // Short, so that Unix sockets fit into it.
        var name = Array("/tmp/baton-XXXXXX".utf8CString)
        path = String(cString: try #require(mkdtemp(&name)))
    }

    deinit { TemporaryFolder.remove(path) }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        let file = try #require(fopen("\(path)/\(name)", "w"))
        defer { fclose(file) }
        let bytes = Array(text.utf8)
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        return "\(path)/\(name)"
    }

    func makeFolder(_ name: String) { mkdir("\(path)/\(name)", 0o755) }

    /// The names in a folder, sorted; none where there is no such folder.
    func names(in name: String) -> [String] { TemporaryFolder.names(in: "\(path)/\(name)") }

    func read(_ name: String) throws -> String {
        let file = try #require(fopen("\(path)/\(name)", "r"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        return String(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
    }

    private static func names(in path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func remove(_ path: String) {
        for name in names(in: path) { remove("\(path)/\(name)") }
        if rmdir(path) != 0 { unlink(path) }
    }
}

import Glibc

/// The text of a small file; nil when it cannot be read, with the reason in `errno`.
func readFile(_ path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var octets: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        if count == 0 { return ferror(file) == 0 ? String(decoding: octets, as: UTF8.self) : nil }
        octets.append(contentsOf: buffer[..<count])
    }
}

/// What `errno` says.
func lastSystemError() -> String { String(cString: strerror(errno)) }

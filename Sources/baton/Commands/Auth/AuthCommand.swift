import ArgumentParser
import Glibc

/// `baton auth`: whose mail is this, and why.
struct AuthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "auth", abstract: "Check, sign and seal messages: SPF, DKIM, DMARC and ARC explained.",
        subcommands: [AuthCheck.self, AuthSign.self, AuthSeal.self])
}

/// Files and standard streams, whole.
enum CommandFile {
    /// Largest file that is read.
    static let maxOctets = 256 * 1024 * 1024

    /// The octets of the file at `path`; `-` is standard input.
    static func read(_ path: String) throws(AuthRequestError) -> [UInt8] {
        let isInput = path == "-"
        let descriptor = isInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { if !isInput { close(descriptor) } }
        var octets: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path) }
            if count == 0 { return octets }
            octets.append(contentsOf: buffer[..<count])
            guard octets.count <= maxOctets else { throw AuthRequestError("\(path) is larger than \(maxOctets) octets") }
        }
    }

    private static func unreadable(_ path: String) -> AuthRequestError {
        AuthRequestError("cannot read \(path): \(String(cString: strerror(errno)))")
    }

    /// Writes all of `octets` to standard output; false when nobody reads any more.
    @discardableResult
    static func write(_ octets: [UInt8]) -> Bool {
        octets.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Glibc.write(STDOUT_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }
    }
}

import Glibc
import Sockets

/// Keeps certificates and keys that Baton makes or orders itself, as PEM files in one directory.
///
/// A file is there whole or not at all: it is written under another name, synced, and renamed. Private
/// keys can be read by their owner alone.
public struct CertificateFolder: Hashable, Sendable {
    /// The directory.
    public let path: String
    /// Octets of a PEM file; a chain of ten RSA-4096 certificates has half of that.
    private static let maxFileOctets = 64 << 10

    /// The directory at `path`, made where it is not there.
    public init(_ path: String) throws(CertificateError) {
        self.path = path
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw CertificateFolder.failure("make the directory", path) }
    }

    /// The certificate that was kept as `name`; nil when there is none.
    public func certificate(_ name: String) -> TLSCertificate? {
        guard let chain = CertificateFolder.read(file(name, "pem")), let key = CertificateFolder.read(file(name, "key")) else { return nil }
        return TLSCertificate(chain: chain, privateKey: key)
    }

    /// Keeps a certificate as `name`.
    public func keep(_ certificate: TLSCertificate, as name: String) throws(CertificateError) {
        // The key first: between the two, a new key with an old certificate is refused, and made again.
        try keep(certificate.privateKey, in: file(name, "key"), mode: 0o600)
        try keep(certificate.chain, in: file(name, "pem"), mode: 0o644)
    }

    /// A key, or other secret, that was kept as `name`.
    public func secret(_ name: String) -> [UInt8]? { CertificateFolder.read(file(name, "key")) }

    /// Keeps a key, or other secret, as `name`.
    public func keep(secret: [UInt8], as name: String) throws(CertificateError) { try keep(secret, in: file(name, "key"), mode: 0o600) }

    /// The octets of a file; nil when it is not there, cannot be read or is no PEM file by its size.
    public static func read(_ path: String) -> [UInt8]? {
        guard let stream = fopen(path, "re") else { return nil }
        defer { fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: maxFileOctets + 1)
        let count = fread(&bytes, 1, bytes.count, stream)
        guard ferror(stream) == 0, (1...maxFileOctets).contains(count) else { return nil }
        return Array(bytes[..<count])
    }

    private func file(_ name: String, _ type: String) -> String { "\(path)/\(name).\(type)" }

    private func keep(_ bytes: [UInt8], in path: String, mode: mode_t) throws(CertificateError) {
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw CertificateFolder.failure("write", temporary) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            written += count
        }
        let isSynced = written == bytes.count && fsync(descriptor) == 0
        close(descriptor)
        guard isSynced, rename(temporary, path) == 0 else { throw CertificateFolder.failure("write", path) }
    }

    private static func failure(_ operation: String, _ path: String) -> CertificateError {
        CertificateError("cannot \(operation) '\(path)': \(String(cString: strerror(errno)))")
    }
}

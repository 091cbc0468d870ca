import COpenSSL

/// A hash of bytes that come in pieces.
public final class HashStream {
    /// The function that hashes.
    public let function: HashFunction
    private let context: OpaquePointer

    /// A hash of nothing yet.
    public init(_ function: HashFunction) {
        self.function = function
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("no memory for a hash") }
        self.context = context
        start()
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Hashes `bytes` after what came before.
    public func update(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        let status = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        precondition(status == 1, "a hash of a known function cannot fail")
    }

    /// Hashes `bytes` after what came before.
    public func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    /// Hashes `bytes` after what came before.
    public func update(_ bytes: ArraySlice<UInt8>) { bytes.withUnsafeBytes { update($0) } }

    /// The hash of all that came; the stream is empty again after it.
    public func finish() -> [UInt8] {
        let hash = HashStream.value(of: context, function)
        start()
        return hash
    }

    /// The hash of what has come so far; more may come.
    public func snapshot() -> [UInt8] {
        guard let copy = EVP_MD_CTX_new() else { preconditionFailure("no memory for a hash") }
        defer { EVP_MD_CTX_free(copy) }
        let status = EVP_MD_CTX_copy_ex(copy, context)
        precondition(status == 1, "a hash of a known function cannot fail")
        return HashStream.value(of: copy, function)
    }

    private func start() {
        let status = EVP_DigestInit_ex(context, function.method, nil)
        precondition(status == 1, "a hash of a known function cannot fail")
    }

    private static func value(of context: OpaquePointer, _ function: HashFunction) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: function.octets) { buffer, count in
            let status = EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
            precondition(status == 1, "a hash of a known function cannot fail")
            count = function.octets
        }
    }
}

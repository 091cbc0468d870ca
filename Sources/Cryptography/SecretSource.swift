import COpenSSL

/// Where octets come from that nobody may guess: keys, nonces, salts.
///
/// The system's in production; tests give their own to replay the examples of an RFC.
public struct SecretSource: Sendable {
    private let make: @Sendable (Int) -> [UInt8]

    /// A source that makes as many octets as it is asked for.
    public init(_ make: @escaping @Sendable (Int) -> [UInt8]) { self.make = make }

    /// `count` octets.
    public func octets(_ count: Int) -> [UInt8] { make(count) }

    /// libcrypto's generator, seeded by the system.
    public static let system = SecretSource { count in
        guard count > 0, let size = Int32(exactly: count) else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let status = RAND_bytes(buffer.baseAddress, size)
            // Octets that can be guessed would be worse than none.
            precondition(status == 1, "the system has no random octets")
            initialized = count
        }
    }
}

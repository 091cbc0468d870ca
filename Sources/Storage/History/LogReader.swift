import Ports

/// Finds records by message and messages by address, in the archives and in the segments that are not yet archived.
public final class LogReader: Sendable {
    /// Every record of the message `key`, oldest first, on `loop`; archived ones come without their bodies.
    public func records(forMessage key: UInt64, on loop: any Loop,
                        completion: @escaping @Sendable (Result<[LogRecord], StorageError>) -> Void) {}

    /// The keys of the last `limit` messages with a record that carries `hash`, newest first, on `loop`.
    public func messages(forAddressHash hash: UInt64, limit: Int, on loop: any Loop,
                         completion: @escaping @Sendable (Result<[UInt64], StorageError>) -> Void) {}
}

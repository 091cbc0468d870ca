import Ports

/// Takes the owner's state for a checkpoint, chunk by chunk.
public final class CheckpointWriter: Sendable {
    /// The point up to which the state reflects every record.
    public let through: LSN

    init(through: LSN) { self.through = through }

    /// Takes one chunk of at most 16 MiB; `next` is called on `loop` when another is welcome.
    ///
    /// The state may change between chunks: what changes is in records after `through`, which are replayed over it.
    public func write(_ chunk: [UInt8], on loop: any Loop, next: @escaping @Sendable () -> Void) {}

    /// Makes the checkpoint durable and valid; `completion` hears on `loop` whether it is.
    public func finish(on loop: any Loop, completion: @escaping @Sendable (Result<Void, StorageError>) -> Void) {}

    /// Gives the checkpoint up.
    public func cancel() {}
}

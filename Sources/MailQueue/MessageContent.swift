import Ports

/// The content of a message as it goes out: Baton's header fields, then the received bytes, in parts.
public struct MessageContent: Sendable {
    /// Header fields that Baton added, CRLF-terminated; they come first.
    public let prefix: [UInt8]
    /// The received bytes in order; those in memory at hand, the others to be read.
    public let parts: [Part]
    /// Octets of all parts, without the prefix.
    public let bodySize: UInt64

    /// A piece of the received bytes.
    public enum Part: Sendable {
        /// At hand.
        case memory([UInt8])
        /// In the log: `read` fetches it.
        case stored(size: Int)
    }

    /// Fetches the part with an index and completes on the loop given.
    public typealias PartReader = @Sendable (
        _ index: Int, _ loop: any Loop, _ completion: @escaping @Sendable (Result<[UInt8], ContentError>) -> Void
    ) -> Void

    private let reader: PartReader

    /// Content whose stored parts `reader` fetches.
    public init(prefix: [UInt8], parts: [Part], reader: @escaping PartReader) {
        self.prefix = prefix
        self.parts = parts
        self.reader = reader
        bodySize = parts.reduce(0) { sum, part in
            switch part {
            case .memory(let bytes): sum &+ UInt64(bytes.count)
            case .stored(let size): sum &+ UInt64(max(size, 0))
            }
        }
    }

    /// Content that is wholly in memory.
    public init(prefix: [UInt8], body: [UInt8]) {
        self.init(prefix: prefix, parts: [.memory(body)]) { _, loop, completion in
            loop.execute { completion(.failure(.gone)) }
        }
    }

    /// Octets of the whole message.
    public var size: UInt64 { UInt64(prefix.count) &+ bodySize }

    /// The received bytes when they are one piece in memory.
    public var bodyInMemory: [UInt8]? {
        guard parts.count <= 1 else { return nil }
        switch parts.first {
        case .memory(let bytes): return bytes
        case .stored: return nil
        case nil: return []
        }
    }

    /// Fetches the part with this index; a part in memory is given at once.
    ///
    /// The caller must be on `loop`, and `completion` runs there.
    public func read(part index: Int, on loop: any Loop,
                     completion: @escaping @Sendable (Result<[UInt8], ContentError>) -> Void) {
        guard parts.indices.contains(index) else { return completion(.failure(.gone)) }
        switch parts[index] {
        case .memory(let bytes): completion(.success(bytes))
        case .stored: reader(index, loop, completion)
        }
    }
}

/// Why a part of a message could not be read.
public enum ContentError: Error, Hashable, Sendable {
    /// The message has left the queue.
    case gone
    /// What the log holds does not pass its checksum, or cannot be read.
    case damaged
}

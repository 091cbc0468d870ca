/// Octets that came in and are not yet used.
struct InputBuffer: Sendable {
    private var bytes: [UInt8] = []
    private var start = 0

    /// Storage kept over a pause; more is given back, since most connections are idle most of the time.
    private static let idleCapacity = 4096

    var isEmpty: Bool { start == bytes.count }
    var count: Int { bytes.count - start }

    mutating func append(_ input: UnsafeRawBufferPointer) {
        if start > 0 {
            bytes.removeSubrange(0..<start)
            start = 0
        }
        bytes.append(contentsOf: input)
    }

    mutating func consume(_ count: Int) {
        start += min(count, self.count)
        if isEmpty { removeAll() }
    }

    mutating func removeAll() {
        if bytes.capacity > InputBuffer.idleCapacity { bytes = [] } else { bytes.removeAll(keepingCapacity: true) }
        start = 0
    }

    func withUnsafeBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    }
}

/// The 48 bytes before every record.
struct RecordHeader {
    /// Bytes of a header.
    static let size = 48
    /// Records begin at multiples of this.
    static let alignment = 64

    /// Bytes that a record of these lengths takes, padding included.
    static func storedBytes(hashes: Int, meta: Int, body: Int) -> Int {
        (size + hashes * 8 + meta + body + alignment - 1) / alignment * alignment
    }
}

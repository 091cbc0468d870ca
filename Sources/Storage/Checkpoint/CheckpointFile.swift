/// The form of `checkpoint-<LSN>`: a file header, chunks (length, CRC, bytes) and a trailer with their count.
///
/// A checkpoint without its trailer, or with any sum wrong, does not count.
enum CheckpointFile {
    /// The longest chunk.
    static let maxChunk = 16 << 20
    static let temporarySuffix = ".new"
    private static let prefix = "checkpoint-"
    private static let trailer: UInt32 = .max
    static let firstChunk = UInt64(FileHeader.size)

    static func name(_ through: LSN) -> String {
        let digits = String(through.rawValue, radix: 16)
        return prefix + String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The LSN in a checkpoint's name.
    static func through(_ name: String) -> LSN? {
        guard name.hasPrefix(prefix), name.utf8.count == prefix.utf8.count + 16 else { return nil }
        return UInt64(name.dropFirst(prefix.count), radix: 16).map { LSN($0) }
    }

    /// The eight bytes before a chunk, or before the trailer's count.
    static func lead(length: UInt32, _ bytes: [UInt8], index: Int, seed: UInt32) -> [UInt8] {
        var lead = [UInt8](repeating: 0, count: 8)
        let sum = sum(length: length, bytes, index: index, seed: seed)
        lead.withUnsafeMutableBytes { buffer in
            buffer.baseAddress?.put(length, at: 0)
            buffer.baseAddress?.put(sum, at: 4)
        }
        return lead
    }

    /// The trailer after `count` chunks.
    static func trailer(count: Int, seed: UInt32) -> [UInt8] { lead(length: trailer, [], index: count, seed: seed) }

    /// The seed of a checkpoint's sums.
    static func seed(_ header: FileHeader) -> UInt32 {
        RecordHeader.seed(file: header.uuid.seed(file: header.number), lsn: header.firstLSN)
    }

    /// Reads a checkpoint chunk by chunk and tells whether it is whole.
    static func read(_ file: any StorageFile, seed: UInt32, chunk: ([UInt8]) -> Void) throws(FileError) -> Bool {
        var offset = firstChunk
        var index = 0
        while true {
            let lead = try file.bytes(at: offset, count: 8)
            guard lead.count == 8 else { return false }
            let (length, expected) = lead.withUnsafeBytes { buffer in
                (buffer.loadUnaligned(fromByteOffset: 0, as: UInt32.self).littleEndian,
                 buffer.loadUnaligned(fromByteOffset: 4, as: UInt32.self).littleEndian)
            }
            if length == trailer { return expected == sum(length: length, [], index: index, seed: seed) }
            guard length <= maxChunk else { return false }
            let bytes = try file.bytes(at: offset + 8, count: Int(length))
            guard bytes.count == Int(length), expected == sum(length: length, bytes, index: index, seed: seed) else { return false }
            chunk(bytes)
            offset += 8 + UInt64(length)
            index += 1
        }
    }

    private static func sum(length: UInt32, _ bytes: [UInt8], index: Int, seed: UInt32) -> UInt32 {
        var crc = CRC32C(seed: seed)
        crc.add(UInt64(truncatingIfNeeded: index))
        crc.add(length)
        bytes.withUnsafeBytes { crc.add($0) }
        return ~crc.value
    }
}

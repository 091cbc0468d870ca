/// The form of `archive/archive-<segment>`: the events of a segment without their bodies, with an index.
///
/// ```
/// file header | blocks | footer: key count, hash count, block count, CRC of the rest | keys | hashes | block list
/// block:      stored length, length of the events, CRC, zero, then the events, deflated where that is shorter
/// event:      meta length, body length, LSN, message key, kind, version, critical, 5 zeros, meta
/// key:        place of an event, low half of its message key      hash: place of an event, low half of an address hash
/// block list: place of the block's first event, offset of the block / 16
/// ```
/// A place is an offset in all events one behind the other, before they are deflated. Keys, hashes and the
/// block list are sorted, the former by their upper halves: one look-up costs a few small reads and one block.
enum ArchiveFile {
    /// The directory's name in the spool.
    static let directory = "archive"
    static let eventHead = 32
    static let blockHead = 16
    static let footerSize = 16
    /// Bytes of events in a block, but for a single longer one.
    static let blockBytes = 64 << 10
    private static let prefix = "archive-"

    static func name(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return prefix + String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// The number of the segment whose events a file of this name holds.
    static func number(_ name: String) -> UInt32? {
        guard name.hasPrefix(prefix), name.utf8.count == prefix.utf8.count + 8 else { return nil }
        return UInt32(name.dropFirst(prefix.count), radix: 16)
    }

    /// The seed of an archive's sums: another than that of the segment with the same number.
    static func seed(_ uuid: LogUUID, _ number: UInt32) -> UInt32 {
        var crc = CRC32C(seed: uuid.seed(file: number))
        crc.add(FileHeader.Purpose.archive.rawValue)
        return crc.value
    }

    /// The sum of a block as it is stored, or of the index.
    static func sum(_ bytes: UnsafeRawBufferPointer, length: Int, seed: UInt32) -> UInt32 {
        var crc = CRC32C(seed: seed)
        crc.add(UInt64(truncatingIfNeeded: length))
        crc.add(bytes)
        return ~crc.value
    }
}

/// The 48 bytes before every record.
///
/// ```
///  0 magic          8 LSN            24 meta length    30 kind         36 flags   40 message key
///  4 CRC of meta   16 body length    28 hash count     31 version      37 zero
///                  20 CRC of body                      32 group index  38 check of the header
///                                                      34 group count
/// ```
/// The hashes (8 bytes each), the meta bytes and the body follow, then zeros up to a multiple of
/// 64. A group is the run of `groupCount` records with ascending numbers and indexes; it counts
/// only when all of them are there.
struct RecordHeader {
    /// Bytes of a header.
    static let size = 48
    /// Records begin at multiples of this.
    static let alignment = 64
    /// The most records of a group, and the most hashes of a record.
    static let maxCount = 0xffff
    /// `BREC`.
    static let magic: UInt32 = 0x4345_5242

    var lsn: LSN
    var bodyLength: UInt32
    var bodyCRC: UInt32
    var metaLength: UInt32
    var hashCount: UInt16
    var kind: UInt8
    var version: UInt8
    var groupIndex: UInt16
    var groupCount: UInt16
    var isCritical: Bool
    var messageKey: UInt64
    var metaCRC: UInt32 = 0

    /// Bytes that a record of these lengths takes, padding included.
    static func storedBytes(hashes: Int, meta: Int, body: Int) -> Int {
        (size + hashes * 8 + meta + body + alignment - 1) / alignment * alignment
    }

    /// Bytes that the record takes, padding included.
    var storedBytes: Int { RecordHeader.storedBytes(hashes: Int(hashCount), meta: Int(metaLength), body: Int(bodyLength)) }

    /// Bytes from the header's start to the body's.
    var bodyOffset: Int { RecordHeader.size + Int(hashCount) * 8 + Int(metaLength) }

    /// Bytes from the header's start to the meta bytes.
    var metaOffset: Int { RecordHeader.size + Int(hashCount) * 8 }

    /// The seed of a record's sums.
    static func seed(file: UInt32, lsn: LSN) -> UInt32 {
        var crc = CRC32C(seed: file)
        crc.add(lsn.rawValue)
        return crc.value
    }

    /// Writes the header, but for the CRC of the meta bytes, over 48 bytes at `start`.
    func put(at start: UnsafeMutableRawPointer, fileSeed: UInt32) {
        start.put(RecordHeader.magic, at: 0)
        start.put(UInt32(0), at: 4)
        start.put(lsn.rawValue, at: 8)
        start.put(bodyLength, at: 16)
        start.put(bodyCRC, at: 20)
        start.put(metaLength, at: 24)
        start.put(hashCount, at: 28)
        start.put(kind, at: 30)
        start.put(version, at: 31)
        start.put(groupIndex, at: 32)
        start.put(groupCount, at: 34)
        start.put(UInt8(isCritical ? 1 : 0), at: 36)
        start.put(UInt8(0), at: 37)
        start.put(messageKey, at: 40)
        start.put(RecordHeader.check(UnsafeRawPointer(start), fileSeed: fileSeed), at: 38)
    }

    /// Reads the header at `start`, where 48 bytes must be; nil when it is not one of this file.
    init?(at start: UnsafeRawPointer, fileSeed: UInt32) {
        guard start.number(at: 0, as: UInt32.self) == RecordHeader.magic,
              start.number(at: 38, as: UInt16.self) == RecordHeader.check(start, fileSeed: fileSeed) else { return nil }
        metaCRC = start.number(at: 4)
        lsn = LSN(start.number(at: 8))
        bodyLength = start.number(at: 16)
        bodyCRC = start.number(at: 20)
        metaLength = start.number(at: 24)
        hashCount = start.number(at: 28)
        kind = start.number(at: 30)
        version = start.number(at: 31)
        groupIndex = start.number(at: 32)
        groupCount = start.number(at: 34)
        isCritical = start.number(at: 36, as: UInt8.self) & 1 != 0
        messageKey = start.number(at: 40)
        guard groupIndex < groupCount else { return nil }
    }

    /// A header of these values.
    init(draft: RecordDraft, lsn: LSN, bodyCRC: UInt32, groupIndex: UInt16, groupCount: UInt16) {
        self.lsn = lsn
        self.bodyCRC = bodyCRC
        self.groupIndex = groupIndex
        self.groupCount = groupCount
        bodyLength = UInt32(truncatingIfNeeded: draft.body.count)
        metaLength = UInt32(truncatingIfNeeded: draft.meta.count)
        hashCount = UInt16(truncatingIfNeeded: draft.addressHashes.count)
        kind = draft.kind
        version = draft.version
        isCritical = draft.isCritical
        messageKey = draft.messageKey
    }

    // Sixteen bits that a body cannot forge, so that searching for records after damage does not take
    // the lengths that a message happens to contain at their word.
    private static func check(_ start: UnsafeRawPointer, fileSeed: UInt32) -> UInt16 {
        var crc = CRC32C(seed: fileSeed)
        crc.add(UnsafeRawBufferPointer(start: start + 8, count: 30))
        crc.add(UnsafeRawBufferPointer(start: start + 40, count: 8))
        return UInt16(truncatingIfNeeded: crc.value ^ crc.value >> 16)
    }

    /// The sum of everything between the sum itself and the body, of a record whose header and meta bytes are at `start`.
    func metaSum(at start: UnsafeRawPointer, fileSeed: UInt32) -> UInt32 {
        var crc = CRC32C(seed: RecordHeader.seed(file: fileSeed, lsn: lsn))
        crc.add(UnsafeRawBufferPointer(start: start + 8, count: bodyOffset - 8))
        return ~crc.value
    }

    /// The sum of a body.
    static func bodySum(_ body: UnsafeRawBufferPointer, lsn: LSN, fileSeed: UInt32) -> UInt32 {
        var crc = CRC32C(seed: seed(file: fileSeed, lsn: lsn))
        crc.add(body)
        return ~crc.value
    }
}

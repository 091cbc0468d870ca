import Ports

/// The first 128 bytes of every file of the log, and again at 2048 in segments and body files.
///
/// ```
///  0 magic `BatonLog`    16 UUID           40 first LSN      64 last LSN
///  8 format              32 file number    48 created at     72 end of the records
/// 10 purpose             36 incarnation    56 file size      80 release that wrote it (31 bytes of ASCII)
/// 12 CRC of the rest                                        112 zero
/// ```
/// This layout stays the same in all formats, so that any release can name the one that is needed.
struct FileHeader: Sendable {
    /// The format that this program writes, and the newest that it reads.
    static let format: UInt16 = 1
    /// Bytes of a header.
    static let size = 128
    /// Where the second copy lies.
    static let copyOffset: UInt64 = 2048
    /// Where the records begin.
    static let recordsOffset: UInt64 = 4096

    /// What a file is for.
    enum Purpose: UInt16, Sendable {
        case segment = 1, bodies, archive, checkpoint, identity
    }

    var format = FileHeader.format
    var purpose: Purpose
    var uuid: LogUUID
    var number: UInt32
    var incarnation: UInt32
    /// Zero in a segment that is prepared and holds nothing yet.
    var firstLSN: LSN
    var created: Timestamp
    var fileBytes: UInt64
    /// Zero until the segment is sealed.
    var lastLSN = LSN.zero
    /// Zero until the segment is sealed.
    var end: UInt64 = 0
    var release: String

    private static let magic: UInt64 = 0x676f_4c6e_6f74_6142

    /// The header as bytes.
    var encoded: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: FileHeader.size)
        let text = Array(release.utf8.prefix(31))
        bytes.replaceSubrange(80..<(80 + text.count), with: text)
        bytes.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            start.put(FileHeader.magic, at: 0)
            start.put(format, at: 8)
            start.put(purpose.rawValue, at: 10)
            start.put(uuid.high, at: 16)
            start.put(uuid.low, at: 24)
            start.put(number, at: 32)
            start.put(incarnation, at: 36)
            start.put(firstLSN.rawValue, at: 40)
            start.put(created.nanoseconds, at: 48)
            start.put(fileBytes, at: 56)
            start.put(lastLSN.rawValue, at: 64)
            start.put(end, at: 72)
            start.put(FileHeader.sum(UnsafeRawPointer(start)), at: 12)
        }
        return bytes
    }

    /// What reading a header gave.
    enum Reading {
        case valid(FileHeader)
        case tooNew(format: UInt16, release: String)
        case invalid
    }

    /// Reads a header from the start of `bytes`.
    static func read(_ bytes: some Collection<UInt8>) -> Reading {
        let bytes = Array(bytes.prefix(size))
        guard bytes.count == size else { return .invalid }
        return bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress, start.number(at: 0, as: UInt64.self) == magic,
                  start.number(at: 12, as: UInt32.self) == sum(start) else { return .invalid }
            let release = String(decoding: bytes[80..<112].prefix { $0 != 0 }.map { (32..<127).contains($0) ? $0 : 63 }, as: UTF8.self)
            let format: UInt16 = start.number(at: 8)
            guard format <= FileHeader.format else { return .tooNew(format: format, release: release) }
            guard let purpose = Purpose(rawValue: start.number(at: 10)) else { return .invalid }
            return .valid(FileHeader(
                format: format, purpose: purpose, uuid: LogUUID(high: start.number(at: 16), low: start.number(at: 24)),
                number: start.number(at: 32), incarnation: start.number(at: 36), firstLSN: LSN(start.number(at: 40)),
                created: Timestamp(nanoseconds: start.number(at: 48)), fileBytes: start.number(at: 56),
                lastLSN: LSN(start.number(at: 64)), end: start.number(at: 72), release: release))
        }
    }

    /// Reads the header of `file`, or its copy.
    static func read(from file: any StorageFile) throws(FileError) -> Reading {
        var result = Reading.invalid
        for offset in [0, copyOffset] {
            result = read(try file.bytes(at: offset, count: size))
            if case .invalid = result { continue }
            return result
        }
        return result
    }

    /// Writes both copies; they are durable with the next sync of the file.
    func write(to file: any StorageFile) throws(FileError) {
        let bytes = encoded
        for offset in [0, FileHeader.copyOffset] { try file.write(bytes, at: offset) }
    }

    private static func sum(_ start: UnsafeRawPointer) -> UInt32 {
        var crc = CRC32C()
        crc.add(UnsafeRawBufferPointer(start: start, count: 12))
        crc.add(UnsafeRawBufferPointer(start: start + 16, count: size - 16))
        return ~crc.value
    }
}

extension StorageFile {
    /// Up to `count` bytes from `offset`, fewer at the end of the file.
    func bytes(at offset: UInt64, count: Int) throws(FileError) -> [UInt8] {
        var failure: FileError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(FileError) {
                filled = try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes `bytes` at `offset`.
    func write(_ bytes: [UInt8], at offset: UInt64) throws(FileError) {
        var failure: FileError?
        bytes.withUnsafeBytes { buffer in
            do throws(FileError) {
                try write(at: offset, buffer, UnsafeRawBufferPointer(start: nil, count: 0))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}

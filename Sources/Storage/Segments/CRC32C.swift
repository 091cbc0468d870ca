import CISAL

/// CRC32C (Castagnoli; RFC 3720 appendix B.4), chained without the inversions at either end.
///
/// For a given text, different seeds give different sums: a record that was sealed for another
/// file, log or number can therefore never verify, whatever it holds.
struct CRC32C {
    private(set) var value: UInt32

    /// Continues from `seed`.
    init(seed: UInt32 = ~0) { value = seed }

    /// Takes `bytes` in.
    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        guard var start = bytes.baseAddress else { return }
        var rest = bytes.count
        // The function takes its length as a C int.
        while rest > 0 {
            let part = min(rest, 1 << 30)
            let text = UnsafeMutablePointer(mutating: start.assumingMemoryBound(to: UInt8.self))
            value = crc32_iscsi(text, Int32(truncatingIfNeeded: part), value)
            start += part
            rest -= part
        }
    }

    /// Takes a number in, low byte first.
    mutating func add<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { add($0) }
    }
}

/// The identity of a log: what keeps its files apart from those of any other.
struct LogUUID: Hashable, Sendable {
    let high: UInt64
    let low: UInt64

    /// The seed of everything in the file `number`.
    func seed(file number: UInt32) -> UInt32 {
        var crc = CRC32C()
        crc.add(high)
        crc.add(low)
        crc.add(number)
        return crc.value
    }
}

extension UnsafeRawPointer {
    /// The little-endian number at `offset`.
    func number<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Number.Type = Number.self) -> Number {
        Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}

extension UnsafeMutableRawPointer {
    /// Puts `number` at `offset`, low byte first.
    func put<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number, at offset: Int) {
        storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
    }
}

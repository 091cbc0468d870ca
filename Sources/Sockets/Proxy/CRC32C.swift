/// The CRC with the Castagnoli polynomial (RFC 3720 appendix B.4), as the PROXY protocol uses it.
///
/// Bit by bit: it runs over one header a connection at most, which does not merit a table.
enum CRC32C {
    private static let polynomial: UInt32 = 0x82f6_3b78

    /// The checksum of `bytes`, with the octets of `hole` read as zero.
    static func checksum(_ bytes: UnsafeRawBufferPointer, zeroing hole: Range<Int>) -> UInt32 {
        var remainder = ~UInt32(0)
        for index in bytes.indices {
            remainder ^= hole.contains(index) ? 0 : UInt32(bytes[index])
            for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1 == 1 ? polynomial : 0) }
        }
        return ~remainder
    }
}

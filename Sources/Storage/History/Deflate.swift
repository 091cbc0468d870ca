import CISAL

/// Compresses and expands blocks (RFC 1951).
enum Deflate {
    /// The compressed form of `bytes`; nil when that is no shorter.
    static func compress(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        let stream = UnsafeMutablePointer<isal_zstream>.allocate(capacity: 1)
        defer { stream.deallocate() }
        let level = UnsafeMutablePointer<UInt8>.allocate(capacity: Int(CISALLevelOneBuffer))
        defer { level.deallocate() }
        isal_deflate_stateless_init(stream)
        stream.pointee.level = 1
        stream.pointee.level_buf = level
        stream.pointee.level_buf_size = CISALLevelOneBuffer
        stream.pointee.end_of_stream = 1
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(truncatingIfNeeded: bytes.count)
        var isGood = false
        let output = [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, count in
            stream.pointee.next_out = buffer.baseAddress
            stream.pointee.avail_out = UInt32(truncatingIfNeeded: buffer.count)
            isGood = isal_deflate_stateless(stream) == COMP_OK
            count = isGood ? Int(stream.pointee.total_out) : 0
        }
        return isGood && output.count < bytes.count ? output : nil
    }

    /// The `length` bytes that `bytes` was made from; nil when it is not whole.
    ///
    /// The caller has checked a sum of `bytes` that nobody else can make.
    static func expand(_ bytes: ArraySlice<UInt8>, to length: Int) -> [UInt8]? {
        let state = UnsafeMutablePointer<inflate_state>.allocate(capacity: 1)
        defer { state.deallocate() }
        isal_inflate_init(state)
        var isGood = false
        let output = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            bytes.withUnsafeBufferPointer { input in
                state.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                state.pointee.avail_in = UInt32(truncatingIfNeeded: input.count)
                state.pointee.next_out = buffer.baseAddress
                state.pointee.avail_out = UInt32(truncatingIfNeeded: length)
                isGood = isal_inflate_stateless(state) == ISAL_DECOMP_OK && Int(state.pointee.total_out) == length
            }
            count = isGood ? length : 0
        }
        return isGood ? output : nil
    }
}

import MessageFormat

/// The number under which the log's archive finds messages by an address; the same in every run and release.
public enum AddressHash {
    /// The hash of an address; letters of either case of ASCII give the same.
    public static func of(_ address: EmailAddress) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        mix(address.localPart.utf8, into: &hash)
        mix(CollectionOfOne(UInt8(ascii: "@")), into: &hash)
        switch address.host {
        case .domain(let domain): mix(domain.ascii.utf8, into: &hash)
        case .literal: mix(address.host.description.utf8, into: &hash)
        }
        // FNV-1a leaves the upper bits weak; a final mix makes them usable too.
        hash ^= hash >> 33
        hash = hash &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        return hash
    }

    private static func mix(_ bytes: some Sequence<UInt8>, into hash: inout UInt64) {
        for byte in bytes {
            let folded = byte &- 0x41 < 26 ? byte | 0x20 : byte
            hash = (hash ^ UInt64(folded)) &* 0x100_0000_01b3
        }
    }
}

extension IPAddress {
    /// Whether the address is one of the public internet: none of the special-purpose blocks of RFC 6890.
    ///
    /// What Baton fetches because a message or a record said so must not reach the host itself or the networks behind it.
    public var isPubliclyReachable: Bool {
        switch unmapped {
        case .v4(let bits):
            return !IPAddress.specialV4.contains { bits >> (32 - $0.length) == $0.prefix >> (32 - $0.length) }
        case .v6(let high, let low):
            // 64:ff9b::/96 carries an IPv4 address (RFC 6052).
            if high == 0x0064_ff9b_0000_0000, low >> 32 == 0 {
                return IPAddress.v4(UInt32(truncatingIfNeeded: low)).isPubliclyReachable
            }
            // 2000::/3 is what is given out, less IETF protocols, documentation and 6to4.
            guard high >> 61 == 1 else { return false }
            let top = high >> 32
            return !(top >> 9 == 0x2001_0000 >> 9 || top == 0x2001_0db8 || top >> 16 == 0x2002 || top >> 12 == 0x3fff_0000 >> 12)
        }
    }

    private static let specialV4: [(prefix: UInt32, length: UInt32)] = [
        (0x0000_0000, 8),   // this network
        (0x0a00_0000, 8),   // private
        (0x6440_0000, 10),  // shared by carriers
        (0x7f00_0000, 8),   // loopback
        (0xa9fe_0000, 16),  // link-local, where clouds answer with secrets
        (0xac10_0000, 12),  // private
        (0xc000_0000, 24),  // IETF protocols
        (0xc000_0200, 24),  // documentation
        (0xc058_6300, 24),  // 6to4 relays
        (0xc0a8_0000, 16),  // private
        (0xc612_0000, 15),  // benchmarks
        (0xc633_6400, 24),  // documentation
        (0xcb00_7100, 24),  // documentation
        (0xe000_0000, 3),   // multicast, reserved, broadcast
    ]
}

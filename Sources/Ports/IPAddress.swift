/// An IPv4 or IPv6 address (RFC 791, RFC 4291), in network byte order.
public enum IPAddress: Hashable, Sendable {
    /// Four octets, packed big-endian.
    case v4(UInt32)
    /// Sixteen octets, packed big-endian into two halves.
    case v6(high: UInt64, low: UInt64)

    /// 127.0.0.1.
    public static let loopback = IPAddress.v4(0x7f00_0001)

    /// Whether this is 127.0.0.0/8, ::1 or its IPv4-mapped form.
    public var isLoopback: Bool {
        switch unmapped {
        case .v4(let bits): bits >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }

    /// An IPv4-mapped IPv6 address (::ffff:a.b.c.d) as IPv4; any other address as it is.
    public var unmapped: IPAddress {
        if case .v6(0, let low) = self, low >> 32 == 0xffff { return .v4(UInt32(truncatingIfNeeded: low)) }
        return self
    }
}

extension IPAddress: CustomStringConvertible {
    /// Parses dotted-quad IPv4 or RFC 4291 IPv6 text without a zone; nil for anything else.
    public init?(_ text: some StringProtocol) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let address = IPAddress.parseV6(Array(text.utf8)) else { return nil }
            self = address
        } else {
            guard let bits = IPAddress.parseV4(Array(text.utf8)[...]) else { return nil }
            self = .v4(bits)
        }
    }

    /// The address as people write it; IPv6 in the form of RFC 5952.
    public var description: String {
        switch self {
        case .v4(let bits):
            return "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)"
        case .v6(let high, let low):
            if case .v4 = unmapped { return "::ffff:\(unmapped)" }
            let groups = (0..<4).map { UInt16(truncatingIfNeeded: high >> (48 - 16 * $0)) }
                + (0..<4).map { UInt16(truncatingIfNeeded: low >> (48 - 16 * $0)) }
            return IPAddress.compressed(groups)
        }
    }

    /// Appends `description` to `bytes`.
    public func append(to bytes: inout [UInt8]) {
        guard case .v4(let bits) = self else { return bytes.append(contentsOf: description.utf8) }
        var shift: UInt32 = 24
        while true {
            let octet = UInt8(truncatingIfNeeded: bits >> shift)
            if octet >= 100 { bytes.append(0x30 + octet / 100) }
            if octet >= 10 { bytes.append(0x30 + octet / 10 % 10) }
            bytes.append(0x30 + octet % 10)
            if shift == 0 { return }
            bytes.append(0x2e)
            shift -= 8
        }
    }

    private static func compressed(_ groups: [UInt16]) -> String {
        var best = 0..<0
        var start = 0
        while start < groups.count {
            guard groups[start] == 0 else { start += 1; continue }
            var end = start
            while end < groups.count, groups[end] == 0 { end += 1 }
            if end - start > max(best.count, 1) { best = start..<end }
            start = end
        }
        func joined(_ part: ArraySlice<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        if best.isEmpty { return joined(groups[...]) }
        return joined(groups[..<best.lowerBound]) + "::" + joined(groups[best.upperBound...])
    }

    private static func parseV4(_ text: ArraySlice<UInt8>) -> UInt32? {
        var bits: UInt32 = 0
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var octet: UInt32 = 0
            for digit in part {
                guard (0x30...0x39).contains(digit) else { return nil }
                octet = octet * 10 + UInt32(digit - 0x30)
            }
            guard octet < 256 else { return nil }
            bits = bits << 8 | octet
        }
        return bits
    }

    private static func parseV6(_ text: [UInt8]) -> IPAddress? {
        guard text.count <= 45 else { return nil }
        var head: [UInt16] = []
        var tail: [UInt16]?
        var rest = text[...]
        if rest.starts(with: [0x3a, 0x3a]) {
            tail = []
            rest = rest.dropFirst(2)
        }
        func append(_ group: UInt16) {
            if tail != nil { tail?.append(group) } else { head.append(group) }
        }
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
            let part = rest[rest.startIndex..<end]
            if end == rest.endIndex, part.contains(UInt8(ascii: ".")) {
                guard let bits = parseV4(part) else { return nil }
                append(UInt16(bits >> 16))
                append(UInt16(bits & 0xffff))
                rest = []
                break
            }
            guard (1...4).contains(part.count), let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16),
                  part.first != UInt8(ascii: "+"), part.first != UInt8(ascii: "-") else { return nil }
            append(group)
            guard end < rest.endIndex else { rest = []; break }
            rest = rest[(end + 1)...]
            if rest.first == UInt8(ascii: ":") {
                guard tail == nil else { return nil }
                tail = []
                rest = rest.dropFirst()
            } else if rest.isEmpty {
                return nil
            }
        }
        let count = head.count + (tail?.count ?? 0)
        guard tail == nil ? count == 8 : count < 8 else { return nil }
        let groups = head + Array(repeating: 0, count: 8 - count) + (tail ?? [])
        func half(_ part: ArraySlice<UInt16>) -> UInt64 { part.reduce(0) { $0 << 16 | UInt64($1) } }
        return .v6(high: half(groups[..<4]), low: half(groups[4...]))
    }
}

/// A network in CIDR form: an address and the length of its prefix in bits.
public struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
    /// The address as given; bits after the prefix must be zero.
    public let address: IPAddress
    /// Length of the prefix in bits: 0…32 for IPv4, 0…128 for IPv6.
    public let prefixLength: Int

    /// Parses `ADDRESS/LENGTH`, or a bare address as a network of one; nil for anything else, host bits included.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, let address = IPAddress(first) else { return nil }
        let width = if case .v4 = address { 32 } else { 128 }
        var length = width
        if parts.count == 2 {
            guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                  let number = Int(parts[1]), number <= width else { return nil }
            length = number
        }
        guard IPNetwork.masked(address, to: length) == address else { return nil }
        self.address = address
        prefixLength = length
    }

    /// The network of `address` with a prefix of `prefixLength` bits, clamped to the width of the family.
    public init(containing address: IPAddress, prefixLength: Int) {
        let width = if case .v4 = address { 32 } else { 128 }
        self.prefixLength = min(max(prefixLength, 0), width)
        self.address = IPNetwork.masked(address, to: self.prefixLength)
    }

    /// Whether `candidate` lies in this network; IPv4-mapped IPv6 counts as IPv4.
    public func contains(_ candidate: IPAddress) -> Bool {
        let candidate = candidate.unmapped
        switch (address, candidate) {
        case (.v4, .v4), (.v6, .v6): return IPNetwork.masked(candidate, to: prefixLength) == address
        case (.v4, .v6), (.v6, .v4): return false
        }
    }

    /// `ADDRESS/LENGTH`.
    public var description: String { "\(address)/\(prefixLength)" }

    private static func masked(_ address: IPAddress, to length: Int) -> IPAddress {
        switch address {
        case .v4(let bits): .v4(bits & (length == 0 ? 0 : ~UInt32(0) << UInt32(32 - length)))
        case .v6(let high, let low):
            .v6(high: high & (length == 0 ? 0 : length >= 64 ? ~0 : ~UInt64(0) << UInt64(64 - length)),
                low: low & (length <= 64 ? 0 : length == 128 ? ~0 : ~UInt64(0) << UInt64(128 - length)))
        }
    }
}

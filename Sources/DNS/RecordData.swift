import Ports

/// Record data whose octets do not fit its type.
public struct MalformedRecord: Error, Hashable, Sendable, CustomStringConvertible {
    /// The type that the data was sent as.
    public let type: RecordType
    /// How many octets there were.
    public let octets: Int

    /// `malformed TLSA record of 3 octets`.
    public var description: String { "malformed \(type) record of \(octets) octets" }
}

extension DNSRecord {
    /// Parses the uncompressed data of one record of `type`.
    ///
    /// Data that is shorter or longer than its type says is an error, for every type.
    public init(parsing data: ArraySlice<UInt8>, type: RecordType) throws(MalformedRecord) {
        guard let record = DNSRecord.parse(data, type) else {
            throw MalformedRecord(type: type, octets: data.count)
        }
        self = record
    }

    private static func parse(_ data: ArraySlice<UInt8>, _ type: RecordType) -> DNSRecord? {
        switch type {
        case .a:
            guard data.count == 4 else { return nil }
            return .a(.v4(UInt32(truncatingIfNeeded: bigEndian(data))))
        case .aaaa:
            guard data.count == 16 else { return nil }
            return .aaaa(.v6(high: bigEndian(data.prefix(8)), low: bigEndian(data.dropFirst(8))))
        case .mx:
            guard data.count > 2, let exchange = DNSName.parse(data.dropFirst(2)) else { return nil }
            return .mx(preference: UInt16(truncatingIfNeeded: bigEndian(data.prefix(2))), exchange: exchange)
        case .txt:
            return joinedStrings(data).map(DNSRecord.txt)
        case .ptr:
            return DNSName.parse(data).map(DNSRecord.ptr)
        case .cname:
            return DNSName.parse(data).map(DNSRecord.cname)
        case .tlsa:
            // RFC 6698 §2.1: three octets, then data. Association data that does not fit its
            // matching type is the verifier's business; a record without any is malformed.
            guard data.count > 3 else { return nil }
            let head = Array(data.prefix(3))
            return .tlsa(usage: head[0], selector: head[1], matching: head[2], data: Array(data.dropFirst(3)))
        }
    }

    private static func bigEndian(_ octets: ArraySlice<UInt8>) -> UInt64 {
        octets.reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func joinedStrings(_ data: ArraySlice<UInt8>) -> [UInt8]? {
        var rest = data
        // RFC 1035 §3.3.14: one or more character-strings.
        guard !rest.isEmpty else { return nil }
        var text: [UInt8] = []
        while let octets = rest.popFirst() {
            guard rest.count >= Int(octets) else { return nil }
            text.append(contentsOf: rest.prefix(Int(octets)))
            rest = rest.dropFirst(Int(octets))
        }
        return text
    }
}

extension DNSName {
    /// An uncompressed name on the wire in text form; nil when it is malformed or more follows it.
    ///
    /// Octets that cannot stand in a name's text are written `\DDD` (RFC 1035 §5.1), so that a dot
    /// inside a label never looks like two labels.
    static func parse(_ wire: ArraySlice<UInt8>) -> String? {
        // RFC 1035 §2.3.4; the limit is on the wire form.
        guard wire.count <= 255 else { return nil }
        var rest = wire
        var text: [UInt8] = []
        while let octets = rest.popFirst() {
            if octets == 0 { return rest.isEmpty ? String(decoding: text, as: UTF8.self) : nil }
            guard octets <= maxLabelOctets, rest.count > Int(octets) else { return nil }
            if !text.isEmpty { text.append(UInt8(ascii: ".")) }
            for octet in rest.prefix(Int(octets)) { append(octet, to: &text) }
            rest = rest.dropFirst(Int(octets))
        }
        return nil
    }

    static func append(_ octet: UInt8, to text: inout [UInt8]) {
        switch octet {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"):
            text.append(octet | 0x20)
        case UInt8(ascii: "."), UInt8(ascii: "\\"), 0...0x20, 0x7f...0xff:
            text.append(contentsOf: [UInt8(ascii: "\\"), 0x30 + octet / 100, 0x30 + octet / 10 % 10, 0x30 + octet % 10])
        default:
            text.append(octet)
        }
    }
}

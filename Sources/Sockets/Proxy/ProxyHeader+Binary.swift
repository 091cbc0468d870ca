import Ports

extension ProxyHeader {
    /// The twelve octets that version 2 begins with.
    static let binarySignature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
    private static let fixedLength = 16

    private enum Command {
        static let local: UInt8 = 0x20
        static let proxy: UInt8 = 0x21
    }

    private enum FieldType {
        static let checksum: UInt8 = 0x03
    }

    /// Parses version 2: signature, command, family, length, addresses, then type-length-value fields.
    static func parseBinary(_ bytes: UnsafeRawBufferPointer) -> ParseResult {
        guard zip(bytes, binarySignature).allSatisfy({ $0 == $1 }) else { return .invalid(.signature) }
        guard bytes.count > 12 else { return .incomplete }
        let command = bytes[12]
        guard command == Command.local || command == Command.proxy else { return .invalid(.command) }
        guard bytes.count >= fixedLength else { return .incomplete }
        let length = Int(bytes.bigEndian16(at: 14))
        guard length <= maxBinaryLength else { return .invalid(.length) }
        guard bytes.count >= fixedLength + length else { return .incomplete }
        let header = UnsafeRawBufferPointer(rebasing: bytes[..<(fixedLength + length)])
        return parseWhole(header, isLocal: command == Command.local)
    }

    private static func parseWhole(_ header: UnsafeRawBufferPointer, isLocal: Bool) -> ParseResult {
        guard let family = Family(rawValue: header[13] >> 4), header[13] & 15 <= 2 else { return .invalid(.command) }
        let isStream = header[13] & 15 == 1
        let body = UnsafeRawBufferPointer(rebasing: header[fixedLength...])
        var addresses: Addresses?
        var fieldsStart = 0
        if !isLocal {
            guard body.count >= family.addressLength else { return .invalid(.length) }
            addresses = isStream ? family.addresses(in: body) : nil
        }
        fieldsStart = min(family.addressLength, body.count)
        // A health check may leave the addresses out, and then has nothing that could be read as fields.
        if isLocal, body.count < family.addressLength { fieldsStart = body.count }
        if let invalidity = checkFields(header, from: fixedLength + fieldsStart) { return .invalid(invalidity) }
        return .complete(ProxyHeader(addresses: addresses, length: header.count))
    }

    private static func checkFields(_ header: UnsafeRawBufferPointer, from start: Int) -> Invalidity? {
        var index = start
        while index < header.count {
            guard header.count - index >= 3 else { return .field }
            let type = header[index]
            let length = Int(header.bigEndian16(at: index + 1))
            let value = index + 3
            guard length <= header.count - value else { return .field }
            if type == FieldType.checksum {
                guard length == 4 else { return .field }
                let stated = UInt32(header.bigEndian16(at: value)) << 16 | UInt32(header.bigEndian16(at: value + 2))
                guard CRC32C.checksum(header, zeroing: value..<(value + 4)) == stated else { return .checksum }
            }
            index = value + length
        }
        return nil
    }

    private enum Family: UInt8 {
        case unspecified = 0
        case v4 = 1
        case v6 = 2
        case unix = 3

        var addressLength: Int {
            switch self {
            case .unspecified: 0
            case .v4: 12
            case .v6: 36
            case .unix: 216
            }
        }

        func addresses(in body: UnsafeRawBufferPointer) -> Addresses? {
            switch self {
            // A path says nothing about the client, and must not pass for a local socket of ours.
            case .unspecified, .unix: return nil
            case .v4:
                return Addresses(source: .ip(.v4(body.bigEndian32(at: 0)), port: body.bigEndian16(at: 8)),
                                 destination: .ip(.v4(body.bigEndian32(at: 4)), port: body.bigEndian16(at: 10)))
            case .v6:
                return Addresses(source: .ip(body.address(at: 0), port: body.bigEndian16(at: 32)),
                                 destination: .ip(body.address(at: 16), port: body.bigEndian16(at: 34)))
            }
        }
    }
}

/// Reads of fixed fields; the caller has checked that they lie within.
extension UnsafeRawBufferPointer {
    fileprivate func bigEndian16(at offset: Int) -> UInt16 {
        UInt16(self[offset]) << 8 | UInt16(self[offset + 1])
    }

    fileprivate func bigEndian32(at offset: Int) -> UInt32 {
        UInt32(bigEndian16(at: offset)) << 16 | UInt32(bigEndian16(at: offset + 2))
    }

    fileprivate func address(at offset: Int) -> IPAddress {
        func half(_ start: Int) -> UInt64 {
            UInt64(bigEndian32(at: start)) << 32 | UInt64(bigEndian32(at: start + 4))
        }
        return IPAddress.v6(high: half(offset), low: half(offset + 8)).unmapped
    }
}

import Ports

extension ProxyHeader {
    private static let linePrefix = Array("PROXY".utf8)
    private static let space = UInt8(ascii: " ")

    /// Parses version 1: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 25` and CRLF.
    static func parseLine(_ bytes: UnsafeRawBufferPointer) -> ParseResult {
        guard zip(bytes, linePrefix).allSatisfy({ $0 == $1 }) else { return .invalid(.signature) }
        let window = bytes.prefix(maxLineLength)
        guard let end = window.firstIndex(of: 0x0a) else {
            return bytes.count < maxLineLength ? .incomplete : .invalid(.line)
        }
        guard end > 0, bytes[end - 1] == 0x0d else { return .invalid(.line) }
        let line = bytes[..<(end - 1)]
        // The specification lets a receiver ignore all after UNKNOWN.
        let unknown = Array("PROXY UNKNOWN".utf8)
        if line.starts(with: unknown), line.count == unknown.count || line[unknown.count] == space {
            return .complete(ProxyHeader(addresses: nil, length: end + 1))
        }
        return parseFields(line.split(separator: space, omittingEmptySubsequences: false), length: end + 1)
    }

    private static func parseFields(_ fields: [Slice<UnsafeRawBufferPointer>], length: Int) -> ParseResult {
        func text(_ index: Int) -> String? {
            index < fields.count ? String(decoding: fields[index], as: UTF8.self) : nil
        }
        guard text(0) == "PROXY" else { return .invalid(.signature) }
        let isV4: Bool
        switch text(1) {
        case "TCP4": isV4 = true
        case "TCP6": isV4 = false
        default: return .invalid(.command)
        }
        guard let source = text(2).flatMap({ address($0, isV4: isV4) }),
              let destination = text(3).flatMap({ address($0, isV4: isV4) }) else { return .invalid(.address) }
        guard let sourcePort = text(4).flatMap(port), let destinationPort = text(5).flatMap(port) else {
            return .invalid(.port)
        }
        guard fields.count == 6 else { return .invalid(.line) }
        let addresses = Addresses(source: .ip(source, port: sourcePort), destination: .ip(destination, port: destinationPort))
        return .complete(ProxyHeader(addresses: addresses, length: length))
    }

    private static func address(_ text: String, isV4: Bool) -> IPAddress? {
        if isV4 {
            guard case .v4(let bits)? = IPAddress(withoutLeadingZeros(text)) else { return nil }
            return .v4(bits)
        }
        guard case .v6? = IPAddress(text) else { return nil }
        return IPAddress(text)?.unmapped
    }

    /// Some balancers pad octets: `01.02.03.04` is read as decimal, as they mean it.
    private static func withoutLeadingZeros(_ text: String) -> String {
        text.split(separator: ".", omittingEmptySubsequences: false).map { octet in
            let digits = octet.drop { $0 == "0" }
            return octet.count > 3 || octet.isEmpty ? String(octet) : digits.isEmpty ? "0" : String(digits)
        }.joined(separator: ".")
    }

    private static func port(_ text: String) -> UInt16? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
              text == "0" || text.utf8.first != UInt8(ascii: "0") else { return nil }
        return UInt16(text)
    }
}

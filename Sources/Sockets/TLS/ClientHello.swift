/// The first message of a TLS client (RFC 8446 §4.1.2), as far as it decides which certificate serves it.
struct ClientHello: Equatable {
    /// What the octets at the start of a connection are.
    enum Parsed: Equatable {
        /// The message goes on.
        case incomplete
        /// It is none, or none that a client of this century sends.
        case invalid
        /// A whole message.
        case complete(ClientHello)
    }

    /// The host name that the client asked for (RFC 6066 §3).
    enum ServerName: Equatable {
        case absent
        /// In lower case; letters, digits, hyphens and underscores between dots.
        case name(String)
        /// Something that is no host name: with a control in it, or without end.
        case malformed
    }

    var serverName = ServerName.absent
    /// Protocols of ALPN in the client's order (RFC 7301 §3.1); empty without the extension.
    var applicationProtocols: [[UInt8]] = []
    var cipherSuites: [UInt16] = []
    /// Schemes that the client verifies (RFC 8446 §4.2.3); empty without the extension.
    var signatureAlgorithms: [UInt16] = []
    /// Versions that the client speaks, where it lists them (RFC 8446 §4.2.1).
    var supportedVersions: [UInt16] = []

    /// Octets of a hello with all its records; post-quantum shares make it some 2 KB today.
    static let maxOctets = 32 * 1024

    /// Records that it may come in: what has come is read from its start whenever more comes.
    static let maxRecords = 256

    private static let handshakeRecord: UInt8 = 22
    private static let maxRecord = 1 << 14

    /// Reads the records at the start of a connection.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> Parsed {
        var message: [UInt8] = []
        var records = Octets(bytes[...])
        for _ in 0..<maxRecords {
            guard let type = records.octet() else { return .incomplete }
            guard type == handshakeRecord else { return .invalid }
            guard let major = records.octet() else { return .incomplete }
            guard major == 3 else { return .invalid }
            guard records.octet() != nil, let length = records.short() else { return .incomplete }
            guard (1...maxRecord).contains(Int(length)) else { return .invalid }
            guard let fragment = records.take(Int(length)) else { return .incomplete }
            message.append(contentsOf: fragment)
            guard message.count <= maxOctets else { return .invalid }
            switch message.withUnsafeBytes({ body(of: $0) }) {
            case .incomplete: continue
            case let result: return result
            }
        }
        return .invalid
    }

    private static func body(of message: UnsafeRawBufferPointer) -> Parsed {
        var octets = Octets(message[...])
        guard let type = octets.octet() else { return .incomplete }
        guard type == 1 else { return .invalid }
        guard let high = octets.octet(), let low = octets.short() else { return .incomplete }
        let length = Int(high) << 16 | Int(low)
        guard length <= maxOctets else { return .invalid }
        guard let body = octets.take(length) else { return .incomplete }
        guard let hello = ClientHello(body: Octets(body)) else { return .invalid }
        return .complete(hello)
    }

    private init?(body: Octets) {
        var body = body
        guard body.short() != nil, body.take(32) != nil, let session = body.octet(), body.take(Int(session)) != nil,
              let suites = body.list16() else { return nil }
        cipherSuites = suites.shorts
        guard let compression = body.octet(), body.take(Int(compression)) != nil else { return nil }
        guard !body.isEmpty else { return }
        guard var extensions = body.list16() else { return nil }
        while !extensions.isEmpty {
            guard let type = extensions.short(), let value = extensions.list16(), read(type, value) else { return nil }
        }
    }

    /// Takes what matters of one extension; false when it is malformed.
    private mutating func read(_ type: UInt16, _ value: Octets) -> Bool {
        var value = value
        switch type {
        case 0:
            guard let names = value.list16() else { return false }
            serverName = ClientHello.serverName(in: names)
        case 13:
            guard let schemes = value.list16() else { return false }
            signatureAlgorithms = schemes.shorts
        case 16:
            guard var names = value.list16() else { return false }
            while !names.isEmpty {
                guard let length = names.octet(), length > 0, let name = names.take(Int(length)) else { return false }
                applicationProtocols.append(Array(name))
            }
        case 43:
            guard let length = value.octet(), let versions = value.take(Int(length)) else { return false }
            supportedVersions = Octets(versions).shorts
        default: break
        }
        return true
    }

    private static func serverName(in list: Octets) -> ServerName {
        var list = list
        guard let type = list.octet(), type == 0, let name = list.list16(), list.isEmpty else { return .malformed }
        // An address is no server name (RFC 6066 §3), but some clients tell the one they were given: nothing is asked for.
        if !name.bytes.isEmpty, name.bytes.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }) { return .absent }
        guard let text = hostName(name.bytes) else { return .malformed }
        return .name(text)
    }

    /// The lower-case host name that the octets spell; nil when they spell none.
    private static func hostName(_ bytes: Slice<UnsafeRawBufferPointer>) -> String? {
        guard (1...253).contains(bytes.count) else { return nil }
        var text: [UInt8] = []
        var label = 0
        for octet in bytes {
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                text.append(octet)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): text.append(octet | 0x20)
            case UInt8(ascii: "."):
                guard label > 0 else { return nil }
                text.append(octet)
                label = 0
                continue
            default: return nil
            }
            label += 1
            guard label <= 63 else { return nil }
        }
        guard label > 0 else { return nil }
        return String(decoding: text, as: UTF8.self)
    }

    private static func isDigit(_ octet: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) }
}

/// Octets of a message on their way in; nothing is read that is not there.
private struct Octets {
    private(set) var bytes: Slice<UnsafeRawBufferPointer>

    init(_ bytes: Slice<UnsafeRawBufferPointer>) { self.bytes = bytes }

    var isEmpty: Bool { bytes.isEmpty }

    mutating func octet() -> UInt8? { bytes.popFirst() }

    mutating func short() -> UInt16? {
        guard bytes.count >= 2, let high = bytes.popFirst(), let low = bytes.popFirst() else { return nil }
        return UInt16(high) << 8 | UInt16(low)
    }

    mutating func take(_ count: Int) -> Slice<UnsafeRawBufferPointer>? {
        guard count <= bytes.count else { return nil }
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count)
    }

    /// A list that its length in two octets stands in front of.
    mutating func list16() -> Octets? {
        guard let length = short(), let list = take(Int(length)) else { return nil }
        return Octets(list)
    }

    /// The octets as numbers of two octets each; an odd last one is passed over.
    var shorts: [UInt16] {
        var copy = self
        var numbers: [UInt16] = []
        while let number = copy.short() { numbers.append(number) }
        return numbers
    }
}

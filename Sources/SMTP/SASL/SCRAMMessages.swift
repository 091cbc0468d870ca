/// The messages of SCRAM, taken apart (RFC 5802 §7).
enum SCRAMMessages {
    /// The longest name, in octets.
    static let maxName = 255
    /// The longest nonce that is taken, in octets.
    static let maxNonce = 512

    /// `gs2-header [reserved-mext] username nonce`: the first message of the client.
    struct ClientFirst {
        /// `n,,` or what stands in its place.
        var gs2Header: [UInt8]
        /// The message without that header.
        var bare: [UInt8]
        var name: String
        var authorization: String?
        var nonce: [UInt8]

        init?(_ message: [UInt8]) {
            let parts = message.split(separator: comma, maxSplits: 2, omittingEmptySubsequences: false)
            // `p=` asks for channel binding, which is not offered (RFC 5802 §6).
            guard parts.count == 3, parts[0].elementsEqual([n]) || parts[0].elementsEqual([y]) else { return nil }
            // Some clients write `a=` for nobody else, though a name has one character at least.
            if !parts[1].isEmpty, !parts[1].elementsEqual("a=".utf8) {
                guard let text = SCRAMMessages.value("a", parts[1]).flatMap(SCRAMMessages.saslName) else { return nil }
                authorization = text
            }
            let fields = parts[2].split(separator: comma, omittingEmptySubsequences: false)
            // A first field of `m=` is an extension that must be understood, and none is known.
            guard fields.count >= 2, let name = SCRAMMessages.value("n", fields[0]).flatMap(SCRAMMessages.saslName),
                  let nonce = SCRAMMessages.value("r", fields[1]), SCRAMMessages.isNonce(nonce) else { return nil }
            gs2Header = Array(message[..<parts[2].startIndex])
            bare = Array(parts[2])
            self.name = name
            self.nonce = Array(nonce)
        }
    }

    /// `nonce salt iteration-count`: the first message of the server.
    struct ServerFirst {
        var nonce: [UInt8]
        var salt: [UInt8]
        var iterations: Int

        init?(_ message: [UInt8]) {
            let fields = message.split(separator: comma, omittingEmptySubsequences: false)
            guard fields.count >= 3, let nonce = SCRAMMessages.value("r", fields[0]), SCRAMMessages.isNonce(nonce),
                  let salt = SCRAMMessages.value("s", fields[1]).flatMap(SASLBase64.decode), !salt.isEmpty,
                  let iterations = SCRAMMessages.value("i", fields[2]).flatMap(Decimal.parse), iterations > 0 else { return nil }
            self.nonce = Array(nonce)
            self.salt = salt
            self.iterations = iterations
        }
    }

    /// `channel-binding nonce proof`: the last message of the client.
    struct ClientFinal {
        /// The message up to the proof.
        var withoutProof: [UInt8]
        var channelBinding: [UInt8]
        var nonce: [UInt8]
        var proof: [UInt8]

        init?(_ message: [UInt8]) {
            let fields = message.split(separator: comma, omittingEmptySubsequences: false)
            guard fields.count >= 3, let binding = SCRAMMessages.value("c", fields[0]).flatMap(SASLBase64.decode),
                  let nonce = SCRAMMessages.value("r", fields[1]), let last = fields.last,
                  let proof = SCRAMMessages.value("p", last).flatMap(SASLBase64.decode) else { return nil }
            withoutProof = Array(message[..<(last.startIndex - 1)])
            channelBinding = binding
            self.nonce = Array(nonce)
            self.proof = proof
        }
    }

    /// A name with its commas and equals signs encoded (RFC 5802 §5.1).
    static func encode(name: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for octet in name.utf8 {
            switch octet {
            case comma: bytes += Array("=2C".utf8)
            case equals: bytes += Array("=3D".utf8)
            default: bytes.append(octet)
            }
        }
        return bytes
    }

    static let comma = UInt8(ascii: ",")
    private static let equals = UInt8(ascii: "=")
    private static let n = UInt8(ascii: "n")
    private static let y = UInt8(ascii: "y")

    /// What follows `name=`.
    static func value(_ name: Unicode.Scalar, _ field: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard field.count >= 2, field.first == UInt8(ascii: name), field[field.startIndex + 1] == equals else { return nil }
        return field.dropFirst(2)
    }

    private static func saslName(_ bytes: ArraySlice<UInt8>) -> String? {
        var octets: [UInt8] = []
        var rest = bytes
        while let octet = rest.popFirst() {
            guard octet == equals else { octets.append(octet); continue }
            if rest.starts(with: "2C".utf8) { octets.append(comma) }
            else if rest.starts(with: "3D".utf8) { octets.append(equals) }
            else { return nil }
            rest = rest.dropFirst(2)
        }
        return SASLName.text(octets)
    }

    private static func isNonce(_ nonce: ArraySlice<UInt8>) -> Bool {
        (1...maxNonce).contains(nonce.count) && nonce.allSatisfy { (0x21...0x7e).contains($0) }
    }
}

/// Names of accounts as mechanisms carry them.
enum SASLName {
    /// The name in `octets`; nil when it is empty, too long, not UTF-8 or holds a control character.
    static func text(_ octets: some Collection<UInt8>) -> String? {
        guard (1...SCRAMMessages.maxName).contains(octets.count), octets.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return nil }
        return String(validating: octets, as: UTF8.self)
    }
}

/// The first message of a TLS client (RFC 8446 §4.1.2), with what is wrong about it left to the caller.
struct HostileHello {
    /// The host name of the extension for it (RFC 6066 §3); nil leaves the extension out.
    var serverName: [UInt8]?
    /// Protocols of ALPN (RFC 7301 §3.1); empty leaves the extension out.
    var applicationProtocols: [String] = []
    /// Octets of padding (RFC 7685).
    var padding = 0

    private func short(_ number: Int) -> [UInt8] { [UInt8(number >> 8 & 255), UInt8(number & 255)] }
    private func list(_ bytes: [UInt8]) -> [UInt8] { short(bytes.count) + bytes }

    private var message: [UInt8] {
        // Groups, signature schemes, versions and a key share: what any server of today can work with.
        var extensions: [UInt8] = [0, 10] + list(list([0, 29])) + [0, 13] + list(list([4, 3, 8, 4])) + [0, 43] + list([2, 3, 4])
        extensions += [0, 51] + list(list([0, 29] + list([UInt8](repeating: 9, count: 32))))
        if let serverName { extensions += [0, 0] + list(list([0] + list(serverName))) }
        if !applicationProtocols.isEmpty {
            extensions += [0, 16] + list(list(applicationProtocols.flatMap { [UInt8(truncatingIfNeeded: $0.utf8.count)] + Array($0.utf8) }))
        }
        if padding > 0 { extensions += [0, 21] + list([UInt8](repeating: 0, count: padding)) }
        let body = [3, 3] + [UInt8](repeating: 7, count: 32) + [0] + list([0x13, 1, 0x13, 2]) + [1, 0] + list(extensions)
        return [1, UInt8(truncatingIfNeeded: body.count >> 16)] + short(body.count) + body
    }

    /// The message in records of at most `size` octets.
    func records(of size: Int = 16_384) -> [UInt8] {
        let message = message
        return stride(from: 0, to: message.count, by: size).flatMap { start in
            [22, 3, 1] + list(Array(message[start..<min(start + size, message.count)]))
        }
    }
}

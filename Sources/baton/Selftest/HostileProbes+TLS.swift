extension HostileProbe {
    // MARK: The handshake

    /// What comes in place of a client's hello, after the 220 to STARTTLS.
    static let handshakes: [HostileProbe] = [
        handshake("12", "a server name with a backslash and a NUL", HostileHello(serverName: Array("a\\".utf8) + [0])),
        handshake("12", "a server name of 255 octets", HostileHello(serverName: [UInt8](repeating: UInt8(ascii: "a"), count: 255))),
        handshake("12", "a server name that is not ASCII", HostileHello(serverName: [0xc3, 0xa4, 0xff])),
        handshake("13", "ALPN for HTTP alone", HostileHello(applicationProtocols: ["h2", "http/1.1"])),
        afterSTARTTLS("13", "HTTP in place of a hello", Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)),
        afterSTARTTLS("8", "SMTP in place of a hello", Array("EHLO x\r\nMAIL FROM:<e@selftest.invalid>\r\n".utf8)),
        afterSTARTTLS("26", "a record that says it is longer than records are", [22, 3, 1, 255, 255] + [UInt8](repeating: 1, count: 70_000)),
        afterSTARTTLS("26", "a hello of 60 KB in records of one octet", HostileHello(padding: 60_000).records(of: 1)),
        afterSTARTTLS("26", "a hello that says it is 16 MB long", Array(repeating: [22, 3, 1, 0x40, 0] + [1, 255, 255, 255]
            + [UInt8](repeating: 0, count: 16_380), count: 40).joined().map { $0 }),
    ]

    private static func handshake(_ row: String, _ name: String, _ hello: HostileHello) -> HostileProbe {
        afterSTARTTLS(row, name, hello.records())
    }

    /// The server must say an alert or nothing, never a handshake, and never an SMTP reply; the next client finds it well.
    private static func afterSTARTTLS(_ row: String, _ name: String, _ bytes: [UInt8]) -> HostileProbe {
        HostileProbe(row: row, name: "under STARTTLS: " + name) { target in
            guard let (client, offer) = target.hello() else { return .finding("no answer to EHLO") }
            guard offer.contains("STARTTLS"), client.say("STARTTLS").code == 220 else { return .skipped("STARTTLS is not offered") }
            client.send(bytes)
            let said = client.octets(waitMilliseconds: 2000)
            guard target.hello() != nil else { return .finding("the server does not answer the next client") }
            switch said.first {
            case nil: return .resisted("closed without a word")
            case 21?: return .resisted("alert \(said.count > 6 ? Int(said[6]) : 0)")
            case 22?: return .finding("the handshake goes on")
            default: return .finding("\(String(decoding: said.prefix(60), as: UTF8.self))")
            }
        }
    }
}

import MailAuth
import Ports
import Testing

@Suite("Damaged records and policies")
struct DamagedTextTests {
    private static let texts = [
        "v=STSv1; id=20160831085700Z;", "v=TLSRPTv1; rua=mailto:a@b.example,https://c.example/%41; ext=1",
        "version: STSv1\r\nmode: enforce\r\nmx: *.a.example\r\nmax_age: 86400\r\next: x\r\n",
    ]

    @Test("every octet replaced, removed or doubled is read or refused, and what is read is within its limits", arguments: texts)
    func damage(_ text: String) {
        let octets = Array(text.utf8)
        for index in octets.indices {
            for octet in [0x00, 0x0a, 0x0d, 0x20, 0x25, 0x2a, 0x2c, 0x2e, 0x3a, 0x3b, 0x3d, 0x39, 0x7f, 0x80, 0xff] as [UInt8] {
                var damaged = octets
                damaged[index] = octet
                read(damaged)
                damaged = octets
                damaged.insert(octet, at: index)
                read(damaged)
            }
            read(Array(octets[index...]))
            read(Array(octets[..<index]))
        }
        read([UInt8](repeating: 0x3b, count: 100_000))
        read(Array(("version: STSv1\nmode: enforce\nmax_age: 1\n" + String(repeating: "mx: a.example\n", count: 10_000)).utf8))
    }

    private func read(_ octets: [UInt8]) {
        if let record = MTASTSRecord(octets) { #expect((1...32).contains(record.id.utf8.count)) }
        if let record = TLSRPTRecord(octets) { #expect((1...TLSRPTRecord.maxAddresses).contains(record.reportAddresses.count)) }
        if let policy = try? MTASTSPolicy(parsing: octets) {
            #expect((0...MTASTSPolicy.maxAgeLimit).contains(policy.maxAge) && policy.mx.count <= MTASTSPolicy.maxPatterns)
            #expect((try? MTASTSPolicy(parsing: Array(policy.lines.joined(separator: "\n").utf8))) == policy)
        }
    }
}

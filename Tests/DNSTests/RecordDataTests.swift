import DNS
import Ports
import Testing

@Suite struct RecordDataTests {
    static let good: [(RecordType, [UInt8], DNSRecord)] = [
        (.a, [192, 0, 2, 1], .a(.v4(0xc000_0201))),
        (.aaaa, [0x20, 0x01, 0x0d, 0xb8] + Array(repeating: 0, count: 11) + [1],
         .aaaa(.v6(high: 0x2001_0db8_0000_0000, low: 1))),
        (.mx, [0, 10, 2] + Array("MX".utf8) + [7] + Array("example".utf8) + [0],
         .mx(preference: 10, exchange: "mx.example")),
        (.mx, [0, 0, 0], .mx(preference: 0, exchange: "")),
        (.mx, [255, 255, 3, 0x61, 0x2e, 0x62, 0], .mx(preference: 65535, exchange: "a\\046b")),
        (.mx, [0, 1, 2, 0, 0xff, 0], .mx(preference: 1, exchange: "\\000\\255")),
        (.txt, [0], .txt([])),
        (.txt, [1, 0x61, 2, 0x62, 0x63, 0], .txt(Array("abc".utf8))),
        (.ptr, [1, 0x61, 0], .ptr("a")),
        (.cname, [1, 0x41, 0], .cname("a")),
        (.tlsa, [3, 1, 1, 0xab], .tlsa(usage: 3, selector: 1, matching: 1, data: [0xab])),
    ]

    @Test(arguments: good)
    func wellFormed(type: RecordType, data: [UInt8], record: DNSRecord) throws {
        // Inside a larger buffer, so that indices do not start at zero.
        let shifted = [9, 9] + data + [9]
        #expect(try DNSRecord(parsing: shifted[2..<(2 + data.count)], type: type) == record)
        #expect(record.type == type)
    }

    static let bad: [(RecordType, [UInt8])] = [
        (.a, []), (.a, [1, 2, 3]), (.a, [1, 2, 3, 4, 5]),
        (.aaaa, Array(repeating: 0, count: 15)), (.aaaa, Array(repeating: 0, count: 17)),
        (.mx, []), (.mx, [0]), (.mx, [0, 10]), (.mx, [0, 10, 1]), (.mx, [0, 10, 1, 0x61]), (.mx, [0, 10, 0, 0]),
        (.mx, [0, 10, 0xc0, 0x0c]), (.mx, [0, 10, 64] + Array(repeating: 0x61, count: 64) + [0]),
        (.mx, [0, 10] + Array(repeating: [1, 0x61] as [UInt8], count: 128).flatMap { $0 } + [0]),
        (.txt, []), (.txt, [1]), (.txt, [255, 0x61]), (.txt, [1, 0x61, 9]),
        (.ptr, []), (.ptr, [5, 0x61]), (.cname, [1]),
        (.tlsa, []), (.tlsa, [3]), (.tlsa, [3, 1]), (.tlsa, [3, 1, 1]),
    ]

    @Test("Short, long and torn record data (20260524, CVE-2023-42119)", arguments: bad)
    func malformed(type: RecordType, data: [UInt8]) {
        #expect {
            try DNSRecord(parsing: data[...], type: type)
        } throws: { "\($0)" == "malformed \(type) record of \(data.count) octets" }
    }

    @Test func everyPrefixAndEveryOctetIsSurvived() {
        for (type, data, _) in RecordDataTests.good {
            for length in 0...data.count { _ = try? DNSRecord(parsing: data.prefix(length), type: type) }
            for index in data.indices {
                for octet in UInt8.min...UInt8.max {
                    var changed = data
                    changed[index] = octet
                    _ = try? DNSRecord(parsing: changed[...], type: type)
                }
            }
        }
    }
}

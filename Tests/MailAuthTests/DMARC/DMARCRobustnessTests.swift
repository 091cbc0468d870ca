import MailAuth
import MessageFormat
import Testing

/// Damaged and invented input, from a seed: nothing traps, and what is read is what is shown.
@Suite("Authors and records of strangers") struct DMARCRobustnessTests {
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var value = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
            return value ^ value >> 31
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>) func randomTokens(seed: UInt64) throws {
        var random = Seeded(state: seed)
        let alphabet = ["<", ">", "@", ",", ";", ":", "(", ")", "\"", "\\", "[", "]", ".", " ", "\r\n ", "\0", "é", "\u{7f}", "a", "b.example", "a@b.example",
                        "=?utf-8?q?a=40c.example?=", "v", "=", "DMARC1", "p", "none", "i", "1", "cv", "v=DMARC1;", "rua=mailto:"]
        for _ in 0..<100 {
            let text = (0..<Int.random(in: 0...14, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "" }.joined()
            let octets = Array(text.utf8)
            _ = try? DMARCRecord(parsing: octets)
            _ = try? TagList(parsing: octets)
            guard let list = try? AddressListParser().addresses(in: octets) else { continue }
            for mailbox in list.flatMap(\.mailboxes) {
                // The address comes back from its written form, and nothing unsafe stands in a name.
                #expect(try EmailAddress(parsing: mailbox.address.description) == mailbox.address)
                #expect(mailbox.displayName?.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f } ?? true)
            }
        }
    }

    @Test(arguments: 0..<100 as Range<UInt64>) func damagedChains(seed: UInt64) throws {
        var random = Seeded(state: seed)
        var octets = Array("""
            ARC-Seal: i=1; a=rsa-sha256; t=1; cv=none; d=a.example; s=s; b=YWJj\r
            ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=s; h=from:to; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=YWJj\r
            ARC-Authentication-Results: i=1; mx; dmarc=pass header.from=a.example\r
            From: x@a.example\r
            \r

            """.utf8)
        for _ in 0..<Int.random(in: 1...20, using: &random) {
            let index = Int.random(in: 0..<octets.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: octets[index] = UInt8.random(in: 0...255, using: &random)
            case 1: octets.remove(at: index)
            default: octets.insert(contentsOf: octets[index..<min(index + 80, octets.count)], at: Int.random(in: 0..<octets.count, using: &random))
            }
        }
        let arc = try ARCChainTests.World().report(octets).arc
        #expect(arc.result != .pass)
    }
}

@testable import Events
import Testing

@Suite struct QueueIDTests {
    @Test(arguments: [0, 1, 31, 32, 0x0000_0100_0000_002a, UInt64.max, UInt64.max / 3])
    func textLeadsBack(_ raw: UInt64) {
        let id = QueueID(rawValue: raw)
        #expect(id.description.utf8.count == QueueID.textLength)
        #expect(QueueID(id.description) == id)
        #expect(QueueID(id.description.lowercased()) == id)
    }

    @Test func orderOfTextIsOrderOfNumbers() {
        let ids = [0, 5, 32, 1 << 20, 1 << 40, UInt64.max].map { QueueID(rawValue: $0) }
        #expect(ids.map(\.description) == ids.map(\.description).sorted())
    }

    @Test(arguments: ["", "0", "000000000000", "00000000000000", "G000000000000", "000000000000U", "00000000000 0", "000000000000é"])
    func otherTextIsRefused(_ text: String) { #expect(QueueID(text) == nil) }

    @Test func lettersThatLookLikeDigitsAreRead() {
        #expect(QueueID("OOOOOOOOOOOIL") == QueueID("0000000000011"))
    }

    @Test func mintCountsWithinItsIncarnation() {
        let mint = QueueIDMint(incarnation: 3)
        let first = mint.next(), second = mint.next()
        #expect(first < second)
        #expect(first.rawValue >> 40 == 3)
        #expect(QueueIDMint(incarnation: 4).next() > second)
    }
}

import Cryptography
import Testing

@Suite("Comparing secrets") struct ConstantTimeTests {
    @Test func sameAndDifferent() {
        #expect(areEqualInConstantTime([1, 2, 3], [1, 2, 3]))
        #expect(!areEqualInConstantTime([1, 2, 3], [1, 2, 4]))
        #expect(!areEqualInConstantTime([1, 2, 3], [1, 2]))
        #expect(areEqualInConstantTime([], []))
    }
}

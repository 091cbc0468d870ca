@testable import DNS
import Ports
import Testing

@Suite struct AnswerCacheTests {
    let start = Timestamp(seconds: 100)

    func question(_ name: String) -> Question { Question(name: name, type: .a) }

    func answer(_ status: DNSAnswer.Status = .success, seconds: Int = 10) -> DNSAnswer {
        DNSAnswer(status, records: [.a(.loopback)], timeToLive: .seconds(seconds), canonicalName: "a")
    }

    @Test func livesForItsTime() {
        var cache = AnswerCache(capacity: 10)
        cache.keep(answer(), to: question("a"), at: start)
        #expect(cache.answer(to: question("a"), at: start + .seconds(4))?.timeToLive == .seconds(6))
        #expect(cache.answer(to: question("a"), at: start - .seconds(50))?.timeToLive == .seconds(10))
        #expect(cache.answer(to: question("a"), at: start + .seconds(10)) == nil)
        #expect(cache.answer(to: question("b"), at: start) == nil)
    }

    @Test(arguments: [(DNSAnswer.Status.noData, true), (.nameError, true), (.serverFailure, false), (.timedOut, false), (.bogus, false)])
    func keepsAbsenceAndNoFailure(status: DNSAnswer.Status, isKept: Bool) {
        var cache = AnswerCache(capacity: 10)
        cache.keep(answer(status), to: question("a"), at: start)
        #expect((cache.answer(to: question("a"), at: start) != nil) == isKept)
    }

    @Test func keepsNoAnswerOfUnreasonableSize() {
        var cache = AnswerCache(capacity: 10)
        for count in [AnswerCache.maxRecords, AnswerCache.maxRecords + 1] {
            let records = Array(repeating: DNSRecord.a(.loopback), count: count)
            cache.keep(DNSAnswer(.success, records: records, timeToLive: .seconds(10), canonicalName: "a"), to: question("\(count)"), at: start)
            #expect((cache.answer(to: question("\(count)"), at: start) != nil) == (count == AnswerCache.maxRecords))
        }
    }

    @Test func isBoundedAndKeepsWhatIsUsed() {
        var cache = AnswerCache(capacity: 100)
        cache.keep(answer(), to: question("used"), at: start)
        for number in 0..<1000 {
            cache.keep(answer(), to: question("\(number)"), at: start)
            #expect(cache.answer(to: question("used"), at: start) != nil)
        }
        let kept = (0..<1000).filter { cache.answer(to: question("\($0)"), at: start) != nil }
        #expect(kept.count <= 100)
        #expect(kept.contains(999))
    }

    @Test func keepsNothingWithoutRoomOrTime() {
        var none = AnswerCache(capacity: 0)
        none.keep(answer(), to: question("a"), at: start)
        #expect(none.answer(to: question("a"), at: start) == nil)
        var cache = AnswerCache(capacity: 10)
        cache.keep(answer(seconds: 0), to: question("a"), at: start)
        #expect(cache.answer(to: question("a"), at: start) == nil)
    }

    @Test func fifoKeepsOrder() {
        var fifo = Fifo<Int>()
        var popped: [Int] = []
        for number in 0..<100 {
            fifo.append(number)
            if number.isMultiple(of: 3), let first = fifo.popFirst() { popped.append(first) }
        }
        #expect(fifo.count == 66)
        while let first = fifo.popFirst() { popped.append(first) }
        #expect(popped == Array(0..<100))
        #expect(fifo.first == nil)
    }
}

import Ports
import Testing
@testable import MailQueue

@Suite("Timer wheel, list and tree")
struct TimerWheelTests {
    struct Node: TimerNode, LinkedListNode, OrderedTreeNode {
        var second: UInt32 = 0
        var orderKey: UInt64 = 0
        var left: UInt32 = .none
        var right: UInt32 = .none
        var next: UInt32 = .none
        var previous: UInt32 = .none
        var timerNext: UInt32 = .none
        var timerPrevious: UInt32 = .none
        var nextVacant: UInt32 = .none
    }

    @Test("elements come up at their second, neither sooner nor later", arguments: 1...8)
    func random(seed: Int) {
        let random = SeededRandom(seed: UInt64(seed))
        var slab = Slab<Node>()
        var wheel = TimerWheel(current: 1_800_000_000)
        var waiting: Set<UInt32> = []
        for _ in 0..<2000 {
            switch random.next(below: 4) {
            case 0, 1:
                let index = slab.allocate { _ in Node() }
                let far = random.chance(10) ? UInt64(1) << random.next(below: 31) : 2000
                slab[index].second = wheel.current.advanced(bySeconds: UInt32(random.next(below: far)))
                wheel.insert(index, at: slab[index].second, in: &slab)
                waiting.insert(index)
            case 2:
                if let index = waiting.randomElement(with: random) {
                    wheel.remove(index, in: &slab)
                    #expect(!TimerWheel.contains(index, in: slab))
                    waiting.remove(index)
                    slab.vacate(index)
                }
            default:
                wheel.advance(to: wheel.current.advanced(bySeconds: UInt32(random.next(below: 700))), in: &slab)
            }
            while let index = wheel.popPending(in: &slab) {
                #expect(waiting.contains(index))
                if slab[index].second > wheel.current {
                    wheel.insert(index, at: slab[index].second, in: &slab)
                } else {
                    waiting.remove(index)
                    slab.vacate(index)
                }
            }
            let first = waiting.map { slab[$0].second }.min()
            #expect((first == nil) == (wheel.nextSecond == nil))
            if let first, let next = wheel.nextSecond { #expect(next <= first && next > wheel.current) }
            #expect(waiting.allSatisfy { slab[$0].second > wheel.current })
        }
    }

    @Test("taking all empties every slot once")
    func takeAll() {
        var slab = Slab<Node>()
        var wheel = TimerWheel(current: 100)
        for offset in 0..<5000 {
            let index = slab.allocate { _ in Node() }
            wheel.insert(index, at: 100 + UInt32(offset * offset), in: &slab)
        }
        wheel.takeAll(asFlushed: true, in: &slab)
        var seen: Set<UInt32> = []
        while let index = wheel.popFlushed(in: &slab) { #expect(seen.insert(index).inserted) }
        #expect(seen.count == 5000)
        #expect(wheel.nextSecond == nil)
    }

    @Test("the tree keeps order through inserts and removals", arguments: 1...4)
    func tree(seed: Int) {
        let random = SeededRandom(seed: UInt64(seed))
        var slab = Slab<Node>()
        var tree = OrderedTree()
        var model: Set<UInt32> = []
        for _ in 0..<3000 {
            if random.chance(60) || model.isEmpty {
                let index = slab.allocate { _ in Node() }
                slab[index].orderKey = random.next(below: 500)
                tree.insert(index, in: &slab)
                model.insert(index)
            } else if random.chance(50), let index = model.randomElement(with: random) {
                tree.remove(index, in: &slab)
                model.remove(index)
                slab.vacate(index)
            } else if let index = tree.first(in: slab) {
                let least = model.map { (slab[$0].orderKey, $0) }.min { $0 < $1 }
                #expect(least?.1 == index)
                #expect(tree.find(slab[index].orderKey, in: slab) == index)
                tree.remove(index, in: &slab)
                model.remove(index)
                slab.vacate(index)
            }
            #expect(tree.isEmpty == model.isEmpty)
        }
    }

    @Test("a copy of a slab does not see later changes")
    func snapshot() {
        var slab = Slab<Node>()
        for number in 0..<3000 { _ = slab.allocate { _ in Node(second: UInt32(number)) } }
        let copy = slab
        for index in 0..<3000 { slab[UInt32(index)].second = 0 }
        #expect((0..<3000).allSatisfy { copy[UInt32($0)].second == UInt32($0) })
    }
}

extension Set {
    /// A member by a seed; sorted first, because the order of a set is not the same in every run.
    func randomElement(with random: SeededRandom) -> Element? where Element: Comparable {
        isEmpty ? nil : sorted()[Int(random.next(below: UInt64(count)))]
    }
}

/// An element that can be in a `TimerWheel`.
protocol TimerNode: SlabElement {
    var timerNext: UInt32 { get set }
    var timerPrevious: UInt32 { get set }
}

/// Timers at whole seconds through the elements of a slab.
///
/// Four levels of 256 slots cover 32 bits of seconds. When time reaches a slot, the whole slot is
/// spliced onto the list of pending elements in constant time, and the owner takes them from there
/// a few at a time: one whose moment is still to come is put back, on a lower level. So neither a
/// million timers at one moment nor a jump of the clock makes a call long. The wheel does not keep
/// the moments; the owner can tell them.
struct TimerWheel: Sendable {
    /// Links from this number on stand for the head of a list.
    static let listCode: UInt32 = 0x8000_0000
    private static let pending = 1024
    private static let flushing = 1025

    /// The last second that was reached.
    private(set) var current: UInt32
    private var firsts: [UInt32]
    private var lasts: [UInt32]
    private var occupied = [UInt64](repeating: 0, count: 16)

    init(current: UInt32) {
        self.current = current
        firsts = (0...1025).map { Self.listCode + UInt32($0) }
        lasts = firsts
    }

    /// Whether elements wait to be taken by `popPending` or `popFlushed`.
    var hasPending: Bool { !isEmpty(Self.pending) || !isEmpty(Self.flushing) }

    /// The second at which something has to be looked at; a lower bound for the first timer.
    var nextSecond: UInt32? {
        if hasPending { return current }
        for level in 0..<4 {
            guard let slot = firstOccupied(level, after: (current >> UInt32(8 * level)) & 255) else { continue }
            let above = level == 3 ? 0 : (current >> UInt32(8 * level + 8)) << UInt32(8 * level + 8)
            return above | UInt32(slot) << UInt32(8 * level)
        }
        return nil
    }

    /// Adds an element that is to come up at `second`.
    mutating func insert<Node: TimerNode>(_ index: UInt32, at second: UInt32, in slab: inout Slab<Node>) {
        guard second > current else { return append(index, to: Self.pending, in: &slab) }
        let level = (31 - (second ^ current).leadingZeroBitCount) / 8
        let slot = Int((second >> UInt32(8 * level)) & 255)
        append(index, to: level * 256 + slot, in: &slab)
        occupied[level * 4 + slot / 64] |= 1 << UInt64(slot % 64)
    }

    /// Takes an element out; nothing happens when it is not in.
    mutating func remove<Node: TimerNode>(_ index: UInt32, in slab: inout Slab<Node>) {
        let next = slab[index].timerNext
        guard next != .none else { return }
        let previous = slab[index].timerPrevious
        setNext(of: previous, to: next, in: &slab)
        setPrevious(of: next, to: previous, in: &slab)
        slab[index].timerNext = .none
        slab[index].timerPrevious = .none
        // Both ends meet in a list head: the list is empty now.
        if previous == next { clearOccupied(Int(next - Self.listCode)) }
    }

    /// Whether an element is in the wheel.
    static func contains<Node: TimerNode>(_ index: UInt32, in slab: Slab<Node>) -> Bool {
        slab[index].timerNext != .none
    }

    /// Moves time on; elements of every slot that was reached become pending. Time never goes back.
    mutating func advance<Node: TimerNode>(to second: UInt32, in slab: inout Slab<Node>) {
        guard second > current else { return }
        for level in 0..<4 {
            let shift = UInt32(8 * level)
            let sameAbove = level == 3 || current >> (shift + 8) == second >> (shift + 8)
            let reached = sameAbove ? (second >> shift) & 255 : 255
            var slot = (current >> shift) & 255
            while let next = firstOccupied(level, after: slot), next <= reached {
                splice(level * 256 + Int(next), onto: Self.pending, in: &slab)
                slot = next
            }
            if sameAbove { break }
        }
        current = second
    }

    /// Takes a pending element out.
    mutating func popPending<Node: TimerNode>(in slab: inout Slab<Node>) -> UInt32? { pop(Self.pending, in: &slab) }

    /// Takes an element out that was flushed.
    mutating func popFlushed<Node: TimerNode>(in slab: inout Slab<Node>) -> UInt32? { pop(Self.flushing, in: &slab) }

    /// Has every element come up soon: by `popFlushed`, or by `popPending` for a mere second look.
    mutating func takeAll<Node: TimerNode>(asFlushed: Bool, in slab: inout Slab<Node>) {
        for list in 0...Self.pending where !isEmpty(list) && (asFlushed || list != Self.pending) {
            splice(list, onto: asFlushed ? Self.flushing : Self.pending, in: &slab)
        }
    }

    // MARK: Lists

    private func isEmpty(_ list: Int) -> Bool { firsts[list] >= Self.listCode }

    private mutating func append<Node: TimerNode>(_ index: UInt32, to list: Int, in slab: inout Slab<Node>) {
        let head = Self.listCode + UInt32(list)
        let last = lasts[list]
        slab[index].timerNext = head
        slab[index].timerPrevious = last
        setNext(of: last, to: index, in: &slab)
        lasts[list] = index
    }

    private mutating func pop<Node: TimerNode>(_ list: Int, in slab: inout Slab<Node>) -> UInt32? {
        guard !isEmpty(list) else { return nil }
        let index = firsts[list]
        remove(index, in: &slab)
        return index
    }

    private mutating func splice<Node: TimerNode>(_ source: Int, onto target: Int, in slab: inout Slab<Node>) {
        let first = firsts[source]
        let last = lasts[source]
        let targetLast = lasts[target]
        setNext(of: targetLast, to: first, in: &slab)
        slab[first].timerPrevious = targetLast
        slab[last].timerNext = Self.listCode + UInt32(target)
        lasts[target] = last
        firsts[source] = Self.listCode + UInt32(source)
        lasts[source] = firsts[source]
        clearOccupied(source)
    }

    private mutating func setNext<Node: TimerNode>(of node: UInt32, to next: UInt32, in slab: inout Slab<Node>) {
        if node >= Self.listCode { firsts[Int(node - Self.listCode)] = next } else { slab[node].timerNext = next }
    }

    private mutating func setPrevious<Node: TimerNode>(of node: UInt32, to previous: UInt32, in slab: inout Slab<Node>) {
        if node >= Self.listCode { lasts[Int(node - Self.listCode)] = previous } else { slab[node].timerPrevious = previous }
    }

    // MARK: Occupied slots

    private mutating func clearOccupied(_ list: Int) {
        guard list < Self.pending else { return }
        occupied[list / 64] &= ~(1 << UInt64(list % 64))
    }

    private func firstOccupied(_ level: Int, after slot: UInt32) -> UInt32? {
        var word = Int(slot + 1) / 64
        guard word < 4 else { return nil }
        var bits = occupied[level * 4 + word] & (~0 << UInt64((slot + 1) % 64))
        while bits == 0 {
            word += 1
            guard word < 4 else { return nil }
            bits = occupied[level * 4 + word]
        }
        return UInt32(word * 64 + bits.trailingZeroBitCount)
    }
}

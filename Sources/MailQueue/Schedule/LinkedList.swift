/// An element that can be in a `LinkedList`.
protocol LinkedListNode: SlabElement {
    var next: UInt32 { get set }
    var previous: UInt32 { get set }
}

/// A first-in-first-out list through the elements of a slab; every operation takes constant time.
struct LinkedList: Sendable {
    private(set) var first: UInt32 = .none
    private var last: UInt32 = .none

    var isEmpty: Bool { first == .none }

    mutating func append<Node: LinkedListNode>(_ index: UInt32, in slab: inout Slab<Node>) {
        slab[index].next = .none
        slab[index].previous = last
        if last == .none { first = index } else { slab[last].next = index }
        last = index
    }

    mutating func remove<Node: LinkedListNode>(_ index: UInt32, in slab: inout Slab<Node>) {
        let next = slab[index].next
        let previous = slab[index].previous
        if previous == .none { first = next } else { slab[previous].next = next }
        if next == .none { last = previous } else { slab[next].previous = previous }
        slab[index].next = .none
        slab[index].previous = .none
    }

    mutating func popFirst<Node: LinkedListNode>(in slab: inout Slab<Node>) -> UInt32? {
        guard first != .none else { return nil }
        let index = first
        remove(index, in: &slab)
        return index
    }

    /// Makes the first element the last.
    mutating func rotate<Node: LinkedListNode>(in slab: inout Slab<Node>) {
        guard first != last, let index = popFirst(in: &slab) else { return }
        append(index, in: &slab)
    }
}

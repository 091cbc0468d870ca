/// An element that can be in an `OrderedTree`.
protocol OrderedTreeNode: SlabElement {
    var left: UInt32 { get set }
    var right: UInt32 { get set }
    /// Elements are ordered by this, then by index.
    var orderKey: UInt64 { get }
}

/// A treap through the elements of a slab: ordered, with logarithmic insert and remove, and no memory of its own.
///
/// Ranks are hashes of indexes, so the shape depends on nothing that a sender chooses. Nothing recurses.
struct OrderedTree: Sendable {
    private(set) var root: UInt32 = .none

    var isEmpty: Bool { root == .none }

    mutating func insert<Node: OrderedTreeNode>(_ index: UInt32, in slab: inout Slab<Node>) {
        let key = slab[index].orderKey
        let rank = Self.rank(index)
        var link = Link.root
        var cursor = root
        while cursor != .none, Self.rank(cursor) >= rank {
            let goesLeft = Self.precedes(key, index, slab[cursor].orderKey, cursor)
            link = goesLeft ? .left(cursor) : .right(cursor)
            cursor = goesLeft ? slab[cursor].left : slab[cursor].right
        }
        // What is left below the new element is split into what comes before and after it.
        set(link, index, in: &slab)
        var before = Link.left(index)
        var after = Link.right(index)
        while cursor != .none {
            if Self.precedes(slab[cursor].orderKey, cursor, key, index) {
                set(before, cursor, in: &slab)
                before = .right(cursor)
                cursor = slab[cursor].right
            } else {
                set(after, cursor, in: &slab)
                after = .left(cursor)
                cursor = slab[cursor].left
            }
        }
        set(before, .none, in: &slab)
        set(after, .none, in: &slab)
    }

    mutating func remove<Node: OrderedTreeNode>(_ index: UInt32, in slab: inout Slab<Node>) {
        let key = slab[index].orderKey
        var link = Link.root
        var cursor = root
        while cursor != index {
            precondition(cursor != .none, "element is not in the tree")
            let goesLeft = Self.precedes(key, index, slab[cursor].orderKey, cursor)
            link = goesLeft ? .left(cursor) : .right(cursor)
            cursor = goesLeft ? slab[cursor].left : slab[cursor].right
        }
        var lower = slab[index].left
        var upper = slab[index].right
        while lower != .none, upper != .none {
            if Self.rank(lower) >= Self.rank(upper) {
                set(link, lower, in: &slab)
                link = .right(lower)
                lower = slab[lower].right
            } else {
                set(link, upper, in: &slab)
                link = .left(upper)
                upper = slab[upper].left
            }
        }
        set(link, lower == .none ? upper : lower, in: &slab)
        slab[index].left = .none
        slab[index].right = .none
    }

    /// The element that comes first.
    func first<Node: OrderedTreeNode>(in slab: Slab<Node>) -> UInt32? {
        guard root != .none else { return nil }
        var cursor = root
        while slab[cursor].left != .none { cursor = slab[cursor].left }
        return cursor
    }

    /// The first element whose key is `key`.
    func find<Node: OrderedTreeNode>(_ key: UInt64, in slab: Slab<Node>) -> UInt32? {
        var cursor = root
        var found: UInt32?
        while cursor != .none {
            let candidate = slab[cursor].orderKey
            if candidate == key { found = cursor }
            cursor = candidate < key ? slab[cursor].right : slab[cursor].left
        }
        return found
    }

    private enum Link {
        case root
        case left(UInt32)
        case right(UInt32)
    }

    private mutating func set<Node: OrderedTreeNode>(_ link: Link, _ index: UInt32, in slab: inout Slab<Node>) {
        switch link {
        case .root: root = index
        case .left(let parent): slab[parent].left = index
        case .right(let parent): slab[parent].right = index
        }
    }

    private static func precedes(_ key: UInt64, _ index: UInt32, _ otherKey: UInt64, _ otherIndex: UInt32) -> Bool {
        key != otherKey ? key < otherKey : index < otherIndex
    }

    /// A hash of the index (the finaliser of MurmurHash3, which is one to one).
    private static func rank(_ index: UInt32) -> UInt32 {
        var hash = index
        hash = (hash ^ hash >> 16) &* 0x85eb_ca6b
        hash = (hash ^ hash >> 13) &* 0xc2b2_ae35
        return hash ^ hash >> 16
    }
}

/// An element of a slab: while its place is vacant, it links to the next vacant one.
protocol SlabElement: Sendable {
    /// The next vacant place; meaningless while the element is in use.
    var nextVacant: UInt32 { get set }
}

/// Elements at dense, stable indexes, in chunks.
///
/// A copy shares all chunks; a change then copies one chunk of 1024, so that a snapshot of a
/// million entries costs no pause.
struct Slab<Element: SlabElement>: Sendable {
    private static var shift: UInt32 { 10 }
    private static var mask: UInt32 { (1 << shift) - 1 }

    private var chunks: [ContiguousArray<Element>] = []
    private var firstVacant: UInt32 = .none
    /// Indexes below this were in use at some time.
    private(set) var bound: UInt32 = 0
    /// Elements in use.
    private(set) var count = 0

    subscript(index: UInt32) -> Element {
        @inline(__always) get { chunks[Int(index >> Self.shift)][Int(index & Self.mask)] }
        @inline(__always) _modify { yield &chunks[Int(index >> Self.shift)][Int(index & Self.mask)] }
    }

    /// Puts an element into a vacant place; `make` is given what was there before, if anything was.
    mutating func allocate(_ make: (_ vacated: Element?) -> Element) -> UInt32 {
        count += 1
        if firstVacant != .none {
            let index = firstVacant
            firstVacant = self[index].nextVacant
            self[index] = make(self[index])
            return index
        }
        let index = bound
        // Links use the upper half of the numbers for list heads; a queue of 2³¹ entries has run out of memory long before.
        precondition(index < TimerWheel.listCode, "slab is full")
        if index & Self.mask == 0 {
            var chunk = ContiguousArray<Element>()
            chunk.reserveCapacity(1 << Int(Self.shift))
            chunks.append(chunk)
        }
        chunks[Int(index >> Self.shift)].append(make(nil))
        bound += 1
        return index
    }

    /// Makes the place of an element vacant.
    mutating func vacate(_ index: UInt32) {
        count -= 1
        self[index].nextVacant = firstVacant
        firstVacant = index
    }
}

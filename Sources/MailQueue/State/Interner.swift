/// Values that many messages share, each stored once and counted.
struct Interner<Value: Hashable & Sendable>: Sendable {
    private struct Item: SlabElement {
        var value: Value?
        var uses: UInt32
        var nextVacant: UInt32 = .none
    }

    private var items = Slab<Item>()
    private var index: [Value: UInt32] = [:]

    /// How many different values there are.
    var count: Int { items.count }

    /// The number of `value`, used once more.
    mutating func retain(_ value: Value) -> UInt32 {
        if let known = index[value] {
            items[known].uses &+= 1
            return known
        }
        let number = items.allocate { _ in Item(value: value, uses: 1) }
        index[value] = number
        return number
    }

    /// Gives one use of a number back.
    mutating func release(_ number: UInt32) {
        guard number < items.bound, let value = items[number].value else { return }
        items[number].uses &-= 1
        guard items[number].uses == 0 else { return }
        index[value] = nil
        items[number].value = nil
        items.vacate(number)
    }

    /// The value with a number; nil for one that is not in use.
    subscript(number: UInt32) -> Value? { number < items.bound ? items[number].value : nil }

    /// The number of `value`; nil where no message has it.
    func number(of value: Value) -> UInt32? { index[value] }
}

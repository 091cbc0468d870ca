import Ports

/// Random numbers from a seed (SplitMix64): the same seed gives the same numbers, in every process.
public final class SeededRandom: RandomSource, @unchecked Sendable {
    private var state: UInt64

    /// The numbers that belong to `seed`.
    public init(seed: UInt64) { state = seed }

    public func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    /// Another source that this one seeds: what draws from it does not disturb the numbers here.
    public func fork() -> SeededRandom { SeededRandom(seed: next()) }

    /// Whether an event of this probability happens.
    public func chance(_ probability: Double) -> Bool { Double(next() >> 11) / Double(1 << 53) < probability }

    /// A number of the range.
    public func number(in range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next(below: UInt64(range.upperBound - range.lowerBound + 1)))
    }

    /// A duration of the range.
    public func duration(in range: ClosedRange<Duration>) -> Duration {
        let span = (range.upperBound - range.lowerBound).clampedNanoseconds
        return range.lowerBound + .nanoseconds(Int64(next(below: UInt64(max(span, 0)) + 1)))
    }

    /// One of the elements; traps when there is none.
    public func element<Element>(of elements: [Element]) -> Element { elements[number(in: 0...(elements.count - 1))] }
}

/// How many deliveries a site may have in progress, learnt from what came of the earlier ones.
///
/// A delivery adds one part of the window (so a whole window of deliveries adds one), a failure
/// takes one away, a request to slow down takes half. Failures without a success between them add
/// up by their share of the window; when they make a whole one, the site is to be left alone.
struct ConcurrencyWindow: Hashable, Sendable {
    private(set) var size: Float
    private var failures: Float = 0

    init(initial: Int) { size = Float(max(initial, 1)) }

    /// Whole deliveries that fit now.
    func capacity(max limit: Int) -> Int { min(max(Int(size), 1), max(limit, 1)) }

    mutating func delivered(max limit: Int) {
        failures = 0
        size = min(size + 1 / size, Float(max(limit, 1)))
    }

    mutating func answered() { failures = 0 }

    /// Returns whether the site is to be left alone.
    mutating func failed() -> Bool {
        failures += 1 / size
        size = max(size - 1, 1)
        return isExhausted
    }

    /// Returns whether the site is to be left alone.
    mutating func throttled() -> Bool {
        failures += 1 / size
        size = max(size / 2, 1)
        return isExhausted
    }

    // A little below 1, because parts like 1/3 do not add up exactly.
    private var isExhausted: Bool { failures >= 0.999 }
}

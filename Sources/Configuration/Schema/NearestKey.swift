/// Finds what a misspelt word was meant to be.
enum NearestKey {
    /// The candidate nearest to `word`, if one is near enough to be meant.
    static func find(_ word: String, among candidates: [String]) -> String? {
        let word = Array(word.lowercased())
        // Nobody types a key of this length; the comparison is quadratic.
        guard word.count <= 64 else { return nil }
        let near = candidates.map { ($0, distance(word, Array($0.lowercased()))) }
            .filter { $0.1 <= max(1, min(word.count, $0.0.count) / 3) }
        return near.min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
    }

    /// How many letters must be put in, left out, changed or swapped with their neighbour.
    static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var best = min(last[column + 1] + 1, current[column] + 1, last[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            (beforeLast, last) = (last, current)
        }
        return last.last ?? 0
    }
}

/// An input read as a row of decisions: what the targets that know a structure make of it.
struct FuzzInput {
    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isEmpty: Bool { index >= bytes.count }

    /// The next octet; 0 at the end.
    mutating func octet() -> UInt8 {
        guard index < bytes.count else { return 0 }
        defer { index += 1 }
        return bytes[index]
    }

    /// A number from 0 to `limit` - 1.
    mutating func number(below limit: Int) -> Int {
        guard limit > 1 else { return 0 }
        if limit <= 256 { return Int(octet()) % limit }
        return (Int(octet()) << 16 | Int(octet()) << 8 | Int(octet())) % limit
    }

    /// Yes or no.
    mutating func flag() -> Bool { octet() & 1 == 1 }

    /// One of `choices`.
    mutating func pick<Choice>(_ choices: [Choice]) -> Choice { choices[number(below: choices.count)] }

    /// As many octets as the next one says, or what is left.
    mutating func run() -> [UInt8] {
        let count = Int(octet())
        return take(count)
    }

    /// Up to `count` octets.
    mutating func take(_ count: Int) -> [UInt8] {
        let end = min(index + count, bytes.count)
        defer { index = end }
        return Array(bytes[min(index, end)..<end])
    }

    /// All that is left.
    mutating func rest() -> [UInt8] { take(bytes.count) }
}

extension [UInt8] {
    /// The octets cut into pieces whose lengths the octets of `cuts` give; one piece without cuts.
    func cut(by cuts: [UInt8]) -> [ArraySlice<UInt8>] {
        guard !cuts.isEmpty else { return isEmpty ? [] : [self[...]] }
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        var index = 0
        while start < count {
            let end = Swift.min(count, start + Swift.max(1, Int(cuts[index % cuts.count])))
            pieces.append(self[start..<end])
            start = end
            index += 1
        }
        return pieces
    }
}

extension String {
    /// The text as an input.
    var octets: [UInt8] { Array(utf8) }
}

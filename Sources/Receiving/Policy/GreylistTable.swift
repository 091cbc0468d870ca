import MessageFormat
import Ports

/// Who has tried, who has come again, and whose mail is let in.
///
/// Only fingerprints of addresses are kept. What does not fit is forgotten, which costs a stranger one more delay.
struct GreylistTable: Sendable {
    /// What greylisting says to a recipient.
    enum Answer: Hashable, Sendable {
        /// The pool has passed often enough, or this triplet has.
        case known
        /// The triplet passes with this attempt, this long after its first.
        case passed(after: Duration)
        /// Never seen, or too long ago.
        case new
        /// Too early: the time left.
        case tooEarly(left: Duration)
    }

    /// A triplet: a pool, a sender and a recipient.
    private struct Attempt: Sendable {
        var firstSecond: Int64
        var lastSecond: Int64
        var hasPassed = false
    }

    private struct Pool: Sendable {
        var passes: UInt8
        var lastSecond: Int64
    }

    private var attempts: BoundedTable<Fingerprint, Attempt>
    private var pools: BoundedTable<Fingerprint, Pool>

    init(capacity: Int) {
        attempts = BoundedTable(capacity: capacity)
        pools = BoundedTable(capacity: capacity)
    }

    /// Entries of both tables.
    var count: Int { attempts.count + pools.count }

    mutating func resize(to capacity: Int) {
        attempts.capacity = capacity
        pools.capacity = capacity
    }

    /// Notes an attempt, and tells whether it is let in.
    mutating func attempt(_ pool: ClientPool, from sender: String, to recipient: String, under rule: GreylistRule, at now: Timestamp) -> Answer {
        let second = now.seconds
        let poolKey = Fingerprint(["pool", pool.description])
        if let known = pools[poolKey], Int(known.passes) >= rule.passesToTrust, isWithin(rule.memory, known.lastSecond, second) {
            pools[poolKey] = Pool(passes: known.passes, lastSecond: second)
            return .known
        }
        let key = Fingerprint(["triplet", pool.description, sender, recipient])
        guard var attempt = attempts[key], isWithin(attempt.hasPassed ? rule.memory : rule.patience, attempt.lastSecond, second) else {
            attempts[key] = Attempt(firstSecond: second, lastSecond: second)
            return .new
        }
        if attempt.hasPassed {
            attempt.lastSecond = second
            attempts[key] = attempt
            return .known
        }
        let age = now - Timestamp(seconds: attempt.firstSecond)
        guard age >= rule.delay else { return .tooEarly(left: rule.delay - age) }
        attempts[key] = Attempt(firstSecond: attempt.firstSecond, lastSecond: second, hasPassed: true)
        let passes = (pools[poolKey]?.passes ?? 0).addingReportingOverflow(1)
        pools[poolKey] = Pool(passes: passes.overflow ? .max : passes.partialValue, lastSecond: second)
        return .passed(after: age)
    }

    private func isWithin(_ time: Duration, _ earlier: Int64, _ now: Int64) -> Bool {
        Timestamp(seconds: now) - Timestamp(seconds: earlier) <= time
    }
}

// MARK: - The snapshot

extension GreylistTable {
    private static let magic = Array("baton policy 1\n".utf8)
    private static let entryOctets = 1 + 16 + 8 + 8 + 1

    /// All of it in octets, for a file that survives the process.
    var snapshot: [UInt8] {
        var bytes = GreylistTable.magic
        let attempts = attempts.entries, pools = pools.entries
        bytes.reserveCapacity(bytes.count + (attempts.count + pools.count) * GreylistTable.entryOctets)
        for (key, attempt) in attempts {
            GreylistTable.append(UInt8(ascii: "t"), key, attempt.firstSecond, attempt.lastSecond, attempt.hasPassed ? 1 : 0, to: &bytes)
        }
        for (key, pool) in pools { GreylistTable.append(UInt8(ascii: "p"), key, 0, pool.lastSecond, pool.passes, to: &bytes) }
        return bytes
    }

    /// One entry of a snapshot: its kind, whom it is about, two moments and a number.
    static func append(_ kind: UInt8, _ key: Fingerprint, _ first: Int64, _ last: Int64, _ number: UInt8, to bytes: inout [UInt8]) {
        bytes.append(kind)
        withUnsafeBytes(of: key.bits.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: first.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: last.littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(number)
    }

    /// Takes over a snapshot; of one that is damaged, what can be read. Recipients that accounts have written to go to `known`.
    mutating func restore(_ bytes: ArraySlice<UInt8>, known: (Fingerprint) -> Void = { _ in }) {
        guard bytes.starts(with: GreylistTable.magic) else { return }
        var rest = bytes.dropFirst(GreylistTable.magic.count)
        while rest.count >= GreylistTable.entryOctets {
            let entry = Array(rest.prefix(GreylistTable.entryOctets))
            rest = rest.dropFirst(GreylistTable.entryOctets)
            func number<Number: FixedWidthInteger>(_ range: Range<Int>, as type: Number.Type) -> Number {
                entry[range].reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
            }
            let key = Fingerprint(bits: number(1..<17, as: UInt128.self))
            let first = number(17..<25, as: Int64.self), last = number(25..<33, as: Int64.self)
            switch entry[0] {
            case UInt8(ascii: "t"): attempts[key] = Attempt(firstSecond: first, lastSecond: last, hasPassed: entry[33] != 0)
            case UInt8(ascii: "p"): pools[key] = Pool(passes: entry[33], lastSecond: last)
            case UInt8(ascii: "k"): known(key)
            default: return
            }
        }
    }
}

/// Tells texts apart without keeping them: FNV-1a of 128 bits.
struct Fingerprint: Hashable, Sendable {
    let bits: UInt128

    init(bits: UInt128) { self.bits = bits }

    init(_ parts: [String]) {
        var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
        let prime: UInt128 = 0x0000_0000_0100_0000_0000_0000_0000_013b
        for part in parts {
            for octet in part.utf8 { hash = (hash ^ UInt128(octet)) &* prime }
            // No octet of UTF-8 is 0xff: parts cannot run into each other.
            hash = (hash ^ 0xff) &* prime
        }
        bits = hash
    }
}

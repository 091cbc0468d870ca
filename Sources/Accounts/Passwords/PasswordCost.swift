/// What it costs to try one password against an account: scrypt's parameters (RFC 7914 §2) and SCRAM's rounds.
public struct PasswordCost: Hashable, Sendable {
    /// scrypt's N as a power of two.
    public var logN = 14
    /// scrypt's r.
    public var blockSize = 8
    /// scrypt's p.
    public var parallelization = 5
    /// Rounds of SCRAM-SHA-256, whose clients have to do them, too (RFC 7677 §4).
    public var scramIterations = 15_000

    /// The costs for an account: 16 MiB of memory, and time as much as a login may take.
    public static let standard = PasswordCost()

    /// What is taken from a file or a database; more would let a line of text use up the host.
    static let logNs = 1...20
    static let blockSizes = 1...32
    static let parallelizations = 1...64
    static let memoryMax = 256 << 20

    /// Whether a try costs as much scrypt as one under `other`.
    func hasScrypt(of other: PasswordCost) -> Bool {
        logN == other.logN && blockSize == other.blockSize && parallelization == other.parallelization
    }

    /// Whether one attempt stays within what a host can spare.
    var isBearable: Bool {
        guard PasswordCost.logNs.contains(logN), PasswordCost.blockSizes.contains(blockSize),
              PasswordCost.parallelizations.contains(parallelization) else { return false }
        return 128 * blockSize * (1 << logN) <= PasswordCost.memoryMax / 2
    }
}

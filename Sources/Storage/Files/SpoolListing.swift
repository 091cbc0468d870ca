/// The names in a spool, sorted by what they are for; other names are nobody's business.
struct SpoolListing {
    static let identity = "identity"
    /// Files with higher numbers are not ours: counting on from there must not overflow.
    static let maxNumber: UInt32 = 0xefff_ffff

    private(set) var segments: [UInt32] = []
    private(set) var bodies: [UInt32] = []
    private(set) var spares: [(name: String, bytes: UInt64)] = []
    /// Newest first.
    private(set) var checkpoints: [LSN] = []
    /// What a crash left half done.
    private(set) var temporaries: [String] = []
    /// Names of ours that are not regular files with one name.
    private(set) var strange: [String] = []
    private(set) var hasIdentity = false
    private(set) var highestNumber: UInt32 = 0

    init() {}

    init(_ entries: [DirectoryEntry]) {
        for entry in entries { add(entry) }
        segments.sort()
        bodies.sort()
        checkpoints.sort(by: >)
    }

    private mutating func add(_ entry: DirectoryEntry) {
        if entry.name == Quarantine.directory || entry.name == ArchiveFile.directory { return }
        let number = SpoolListing.number(entry.name)
        let through = CheckpointFile.through(entry.name)
        let isTemporary = entry.name.hasSuffix(CheckpointFile.temporarySuffix)
        guard number != nil || through != nil || isTemporary || entry.name == SpoolListing.identity else { return }
        if let number { highestNumber = max(highestNumber, number.value) }
        guard entry.isRegular else { return strange.append(entry.name) }
        if let number {
            switch number.kind {
            case "segment": segments.append(number.value)
            case "bodies": bodies.append(number.value)
            default: spares.append((entry.name, entry.bytes))
            }
        } else if let through {
            checkpoints.append(through)
        } else if isTemporary {
            temporaries.append(entry.name)
        } else {
            hasIdentity = true
        }
    }

    /// Kind and number of `KIND-NUMBER`, where it is a kind of ours.
    private static func number(_ name: String) -> (kind: Substring, value: UInt32)? {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, ["segment", "bodies", "spare"].contains(parts[0]), parts[1].utf8.count == 8,
              let value = UInt32(parts[1], radix: 16), value <= maxNumber else { return nil }
        return (parts[0], value)
    }
}

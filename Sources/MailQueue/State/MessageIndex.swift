import Events

/// Finds the place of a message by its id.
///
/// Sixty-four small tables instead of one: a table of a million that grows would hold the loop up for a tenth of a second.
struct MessageIndex: Sendable {
    private var tables = [[UInt64: UInt32]](repeating: [:], count: 64)

    subscript(id: QueueID) -> UInt32? {
        get { tables[MessageIndex.table(id)][id.rawValue] }
        set { tables[MessageIndex.table(id)][id.rawValue] = newValue }
    }

    // Multiplied, so that the tables do not grow at the same moment.
    private static func table(_ id: QueueID) -> Int {
        Int(truncatingIfNeeded: (id.rawValue &* 0x9e37_79b9_7f4a_7c15) >> 58)
    }
}

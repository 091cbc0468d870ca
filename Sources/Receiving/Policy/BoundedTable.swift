/// A dictionary that never holds more than a number of entries: those not touched for longest go first, roughly.
///
/// Two generations: when the young one is full the old one is dropped, so that what is used
/// again survives and no order has to be kept.
struct BoundedTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var young: [Key: Value] = [:]
    private var old: [Key: Value] = [:]
    /// The most entries; a smaller one takes effect as entries come.
    var capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    /// How many entries there are.
    var count: Int { young.count + old.count }

    /// All entries, in no order.
    var entries: [(key: Key, value: Value)] { old.map { ($0.key, $0.value) } + young.map { ($0.key, $0.value) } }

    subscript(key: Key) -> Value? {
        get { young[key] ?? old[key] }
        set {
            old[key] = nil
            guard let newValue else {
                young[key] = nil
                return
            }
            if young[key] == nil, young.count >= max(capacity / 2, 1) {
                old = young
                young = [:]
            }
            young[key] = newValue
        }
    }
}

/// How connections use memory and end.
public struct ConnectionSettings: Sendable {
    /// Unsent bytes at which a connection becomes congested; 256 KiB.
    public var congestedAbove = 256 * 1024
    /// Unsent bytes at which a congested connection becomes writable again; 64 KiB.
    public var writableBelow = 64 * 1024
    /// Smallest and first size of the buffer that is read into; 2 KiB holds a lock-step dialog with 1 KB messages.
    public var minReadBuffer = 2048
    /// Largest size of the buffer that is read into; it grows towards this while reads fill it.
    public var maxReadBuffer = 64 * 1024
    /// Reads before other connections get their turn.
    public var readsPerTurn = 2
    /// How long after `close` the peer may take what was written and end its side, before the rest is dropped; 10 s.
    public var lingerTime: Duration = .seconds(10)

    /// The documented defaults.
    public init() {}
}

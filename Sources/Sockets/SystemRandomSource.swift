import Ports

/// Random bits of the operating system.
public final class SystemRandomSource: RandomSource {
    private var generator = SystemRandomNumberGenerator()

    /// A source that reads the system's generator.
    public init() {}

    public func next() -> UInt64 { generator.next() }
}

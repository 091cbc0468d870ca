/// A value in a log line or in the JSON form of an event.
public indirect enum EventValue: Hashable, Sendable {
    /// Text, trusted or not: every form escapes it.
    case text(String)
    /// A whole number.
    case number(Int64)
    /// Yes or no.
    case flag(Bool)
    /// Several values.
    case list([EventValue])
    /// Named values in their order.
    case object([EventField])
}

/// A named value.
public struct EventField: Hashable, Sendable {
    /// Its name: lower case, words joined by `_`.
    public var name: String
    /// Its value.
    public var value: EventValue

    /// A named value.
    public init(_ name: String, _ value: EventValue) {
        self.name = name
        self.value = value
    }
}

/// Takes the named values of an event one after the other.
///
/// An event tells itself to a sink in one pass (`MailEvent.write`): into a line of text or JSON at once, or into a
/// tree of `EventField`s for whoever wants to look at them. Text, trusted or not, is escaped by the sink.
protocol FieldSink {
    /// Takes a text, whose UTF-8 `append` adds to the buffer that it is given.
    mutating func text(_ name: StaticString, _ append: (inout [UInt8]) -> Void)
    /// Takes a whole number.
    mutating func number(_ name: StaticString, _ value: Int64)
    /// Takes yes or no.
    mutating func flag(_ name: StaticString, _ value: Bool)
    /// Begins a list, of texts or of objects; lists do not contain lists.
    mutating func beginList(_ name: StaticString)
    /// Takes a text as the next element of the list.
    mutating func element(_ append: (inout [UInt8]) -> Void)
    /// Begins an object as the next element of the list: its fields follow.
    mutating func beginObject()
    /// Ends the object.
    mutating func endObject()
    /// Ends the list.
    mutating func endList()
}

extension FieldSink {
    /// Takes a text.
    mutating func text(_ name: StaticString, _ text: String) {
        self.text(name) { $0.append(contentsOf: text.utf8) }
    }

    /// Takes a text where there is one.
    mutating func text(_ name: StaticString, _ text: String?) {
        if let text { self.text(name, text) }
    }
}

/// Collects fields as values.
struct FieldTree: FieldSink {
    /// The fields of the event so far.
    private(set) var fields: [EventField] = []
    private var list: (name: StaticString, values: [EventValue])?
    private var object: [EventField]?

    mutating func text(_ name: StaticString, _ append: (inout [UInt8]) -> Void) { add(name, .text(FieldTree.string(append))) }
    mutating func number(_ name: StaticString, _ value: Int64) { add(name, .number(value)) }
    mutating func flag(_ name: StaticString, _ value: Bool) { add(name, .flag(value)) }
    mutating func beginList(_ name: StaticString) { list = (name, []) }
    mutating func element(_ append: (inout [UInt8]) -> Void) { list?.values.append(.text(FieldTree.string(append))) }
    mutating func beginObject() { object = [] }

    mutating func endObject() {
        if let object { list?.values.append(.object(object)) }
        object = nil
    }

    mutating func endList() {
        guard let ended = list else { return }
        list = nil
        add(ended.name, .list(ended.values))
    }

    private mutating func add(_ name: StaticString, _ value: EventValue) {
        let field = EventField(name.description, value)
        if object == nil { fields.append(field) } else { object?.append(field) }
    }

    private static func string(_ append: (inout [UInt8]) -> Void) -> String {
        var bytes: [UInt8] = []
        append(&bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

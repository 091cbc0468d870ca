import Events

/// An event in the words of the log, with its fields in their order.
public struct EventLine: Hashable, Sendable {
    /// The fields.
    public var fields: [EventField]

    /// An event with these fields.
    public init(_ fields: [EventField]) { self.fields = fields }

    /// The text of the field called `name`, in `text` and number fields.
    public subscript(name: String) -> String? {
        switch fields.first(where: { $0.name == name })?.value {
        case .text(let text): text
        case .number(let number): String(number)
        default: nil
        }
    }
}

/// On the wire an event is a list of `{"name":…,"value":…}`: JSON objects have no order.
extension EventLine: Codable {
    public init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        fields = try EventLine.decode(&container, depth: 0)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        try EventLine.encode(fields, to: &container)
    }

    private enum CodingKeys: String, CodingKey { case name, value, fields, list }

    private static let maxDepth = 16

    private static func encode(_ fields: [EventField], to container: inout any UnkeyedEncodingContainer) throws {
        for field in fields {
            var item = container.nestedContainer(keyedBy: CodingKeys.self)
            try item.encode(field.name, forKey: .name)
            try encode(field.value, to: &item)
        }
    }

    private static func encode(_ value: EventValue, to item: inout KeyedEncodingContainer<CodingKeys>) throws {
        switch value {
        case .text(let text): try item.encode(text, forKey: .value)
        case .number(let number): try item.encode(number, forKey: .value)
        case .flag(let flag): try item.encode(flag, forKey: .value)
        case .object(let fields):
            var nested: any UnkeyedEncodingContainer = item.nestedUnkeyedContainer(forKey: .fields)
            try encode(fields, to: &nested)
        case .list(let values):
            var nested = item.nestedUnkeyedContainer(forKey: .list)
            for value in values {
                var element = nested.nestedContainer(keyedBy: CodingKeys.self)
                try encode(value, to: &element)
            }
        }
    }

    private static func decode(_ container: inout any UnkeyedDecodingContainer, depth: Int) throws -> [EventField] {
        var fields: [EventField] = []
        while !container.isAtEnd {
            let item = try container.nestedContainer(keyedBy: CodingKeys.self)
            fields.append(EventField(try item.decode(String.self, forKey: .name), try decode(item, depth: depth)))
        }
        return fields
    }

    private static func decode(_ item: KeyedDecodingContainer<CodingKeys>, depth: Int) throws -> EventValue {
        guard depth < maxDepth else {
            throw DecodingError.dataCorrupted(.init(codingPath: item.codingPath, debugDescription: "too deep"))
        }
        if item.contains(.fields) {
            var nested: any UnkeyedDecodingContainer = try item.nestedUnkeyedContainer(forKey: .fields)
            return .object(try decode(&nested, depth: depth + 1))
        }
        if item.contains(.list) {
            var nested = try item.nestedUnkeyedContainer(forKey: .list)
            var values: [EventValue] = []
            while !nested.isAtEnd {
                values.append(try decode(try nested.nestedContainer(keyedBy: CodingKeys.self), depth: depth + 1))
            }
            return .list(values)
        }
        if let flag = try? item.decode(Bool.self, forKey: .value) { return .flag(flag) }
        if let number = try? item.decode(Int64.self, forKey: .value) { return .number(number) }
        return .text(try item.decode(String.self, forKey: .value))
    }
}

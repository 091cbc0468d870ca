import FoundationEssentials

/// Values as lines of JSON.
public enum WireLine {
    /// `value` as one line, its LF included.
    public static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        // Values of the protocol hold nothing that JSON cannot express; NaN, the one exception, none of them has.
        guard let data = try? encoder.encode(value) else { return Array("{}\n".utf8) }
        return [UInt8](data) + [0x0a]
    }

    /// `value` as readable JSON that no terminal can take for anything else, without a final line end.
    public static func pretty(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys, .prettyPrinted]
        guard let data = try? encoder.encode(value) else { return "{}" }
        return TerminalText.safeJSON(String(decoding: data, as: UTF8.self))
    }

    /// The value in a line, with or without its LF.
    public static func decode<Value: Decodable>(_ type: Value.Type, from line: some Collection<UInt8>) throws(ControlFailure) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(line))
        } catch let error as DecodingError {
            throw ControlFailure(.badRequest, WireLine.explain(error))
        } catch {
            throw ControlFailure(.badRequest, "not JSON")
        }
    }

    private static func explain(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context, _ key: (any CodingKey)? = nil) -> String {
            let path = (context.codingPath + (key.map { [$0] } ?? [])).map(\.stringValue).joined(separator: ".")
            return path.isEmpty ? "the request" : "“\(path)”"
        }
        switch error {
        case .keyNotFound(let key, let context): return "\(place(context, key)) is missing"
        case .valueNotFound(_, let context): return "\(place(context)) has no value"
        case .typeMismatch(_, let context): return "\(place(context)) has a value of the wrong type"
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty ? "not a JSON object" : "\(place(context)) has a wrong value"
        @unknown default: return "not understood"
        }
    }
}

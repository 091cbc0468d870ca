/// One line of JSON in answer to a request: `{"result":…}` or `{"error":…}`.
public enum ControlResponse<Payload: Codable & Sendable>: Sendable {
    /// It was done.
    case result(Payload)
    /// It was not.
    case error(ControlFailure)
}

extension ControlResponse: Codable {
    private enum CodingKeys: String, CodingKey { case result, error }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let failure = try container.decodeIfPresent(ControlFailure.self, forKey: .error) {
            self = .error(failure)
        } else {
            self = .result(try container.decode(Payload.self, forKey: .result))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .result(let payload): try container.encode(payload, forKey: .result)
        case .error(let failure): try container.encode(failure, forKey: .error)
        }
    }
}

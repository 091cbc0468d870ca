/// One line of JSON in answer to a request: `{"result":…}` or `{"error":…}`, where it was asked for after lines `{"progress":…}`.
public enum ControlResponse<Payload: Codable & Sendable>: Sendable {
    /// It was done.
    case result(Payload)
    /// It was not.
    case error(ControlFailure)
    /// So much has been done so far; more lines follow.
    case progress(Payload)
}

extension ControlResponse: Codable {
    private enum CodingKeys: String, CodingKey { case result, error, progress }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let failure = try container.decodeIfPresent(ControlFailure.self, forKey: .error) {
            self = .error(failure)
        } else if let payload = try container.decodeIfPresent(Payload.self, forKey: .progress) {
            self = .progress(payload)
        } else {
            self = .result(try container.decode(Payload.self, forKey: .result))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .result(let payload): try container.encode(payload, forKey: .result)
        case .error(let failure): try container.encode(failure, forKey: .error)
        case .progress(let payload): try container.encode(payload, forKey: .progress)
        }
    }
}

import DNS
import Ports

/// Finds the key of a signature in DNS (RFC 6376 §3.6.2).
public enum KeyLookup {
    /// Asks for the key at `name`; `completion` is called once, on the loop of `lookups`.
    ///
    /// Of several records the first that is a key counts: more than one is the publisher's mistake, whose
    /// outcome RFC 6376 §3.6.2.2 leaves open.
    public static func find(_ name: String, _ lookups: Lookups, completion: @escaping (Result<KeyRecord, SignatureFailure>) -> Void) {
        lookups.ask(name, .txt) { completion(key(in: $0)) }
    }

    /// The key in an answer.
    public static func key(in answer: DNSAnswer) -> Result<KeyRecord, SignatureFailure> {
        switch answer.status {
        case .serverFailure, .timedOut, .bogus: return .failure(.keyUnavailable)
        case .noData, .nameError: return .failure(.noKey)
        case .success: break
        }
        var failure = SignatureFailure.noKey
        for case .txt(let text) in answer.records {
            if let record = try? KeyRecord(parsing: text) { return .success(record) }
            failure = .keySyntax
        }
        return .failure(failure)
    }
}

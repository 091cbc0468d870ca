import MessageFormat
import Ports

/// Verifies the DKIM signatures of one message (RFC 6376 §6).
///
/// ```
/// let bodies = BodyHashes()
/// let verifier = DKIMVerifier(header, bodies: bodies)
/// bodies.receive(chunk)    // as often as chunks come
/// bodies.finish()
/// verifier.finish(lookups) { results in … }
/// ```
/// The signatures are read from the header at once; the body is hashed while it comes, once for all of them;
/// keys are asked for at the end. Confined to the loop of its lookups.
public final class DKIMVerifier {
    private let header: MessageHeader
    private let bodies: BodyHashes
    private let settings: DKIMVerifierSettings
    private var candidates: [Candidate] = []

    private struct Candidate {
        let field: HeaderSection.Field
        let signature: DKIMSignature?
        let request: BodyHashes.Request?
        var failure: SignatureFailure?
        var isTesting = false
    }

    /// A verifier of the signatures in `header`, which asks `bodies` for the hashes that they need.
    public init(_ header: MessageHeader, bodies: BodyHashes, _ settings: DKIMVerifierSettings = .standard) {
        self.header = header
        self.bodies = bodies
        self.settings = settings
        for field in header.fields(.dkimSignature).prefix(settings.signaturesMax) { candidates.append(candidate(field)) }
    }

    /// Looks the keys up and tells the results, in the order of the fields; none for a message without signatures.
    ///
    /// To be called once, after `bodies.finish()`; `completion` is called once, on the loop of `lookups`, and may be
    /// called before this returns when no key is needed. The clock of that loop says what has expired.
    public func finish(_ lookups: Lookups, completion: @escaping ([DKIMResult]) -> Void) {
        bodies.finish()
        let now = lookups.loop.now
        var waiting: [String: [Int]] = [:]
        var names: [String] = []
        for index in candidates.indices {
            guard candidates[index].failure == nil, let signature = candidates[index].signature else { continue }
            candidates[index].failure = signature.failure(at: now, skew: settings.requirements.skew)
            guard candidates[index].failure == nil else { continue }
            if waiting[signature.keyName] == nil { names.append(signature.keyName) }
            waiting[signature.keyName, default: []].append(index)
        }
        guard !names.isEmpty else { return completion(results) }
        var open = names.count
        for name in names {
            KeyLookup.find(name, lookups) { [self] key in
                for index in waiting[name] ?? [] { judge(index, key) }
                open -= 1
                if open == 0 { completion(results) }
            }
        }
    }

    private var results: [DKIMResult] {
        candidates.map { DKIMResult(header.body(of: $0.field), $0.signature, $0.failure, isTesting: $0.isTesting) }
    }

    /// Reads one signature and judges it as far as the header alone allows.
    private func candidate(_ field: HeaderSection.Field) -> Candidate {
        do throws(SignatureFailure) {
            let signature = try DKIMSignature(parsing: header.body(of: field))
            var failure = signature.failure(settings.requirements)
            if header.isMalformed { failure = .malformedHeader }
            if !signature.signedFields.contains(.from) { failure = .fromNotSigned }
            let request = failure == nil
                ? bodies.request(signature.bodyCanonicalization, signature.algorithm.hashFunction, limit: signature.bodyLength) : nil
            return Candidate(field: field, signature: signature, request: request, failure: failure)
        } catch {
            return Candidate(field: field, signature: nil, request: nil, failure: error)
        }
    }

    private func judge(_ index: Int, _ key: Result<KeyRecord, SignatureFailure>) {
        let candidate = candidates[index]
        guard let signature = candidate.signature, let request = candidate.request else { return }
        switch key {
        case .success(let record):
            candidates[index].failure = failure(signature, candidate.field, request, record)
            candidates[index].isTesting = record.isTesting
        case .failure(let failure):
            candidates[index].failure = failure
        }
    }

    private func failure(_ signature: DKIMSignature, _ field: HeaderSection.Field, _ request: BodyHashes.Request,
                         _ record: KeyRecord) -> SignatureFailure? {
        if let failure = signature.failure(record) { return failure }
        guard let key = try? PublicKey(record) else { return .keySyntax }
        if let failure = signature.failure(in: header, field, body: bodies.value(request), key: key, settings.requirements) {
            return failure
        }
        // Octets may have been appended to what `l=` covers, or covered octets hidden behind them (RFC 6376 §8.2).
        if signature.bodyLength != nil { return .bodyLength }
        // A field put above the signed one is what many programs show (RFC 6376 §8.15).
        let signed = signature.signedFields.count { $0 == .from }
        return header.fields(.from).count > signed ? .extraFrom : nil
    }
}

/// How signatures are verified.
public struct DKIMVerifierSettings: Hashable, Sendable {
    /// How many signatures of one message are looked at; further ones are ignored (RFC 6376 §6.1).
    public var signaturesMax: Int
    /// What signatures and keys must be like.
    public var requirements: SignatureRequirements

    /// Settings other than the standard ones.
    public init(signaturesMax: Int = 10, requirements: SignatureRequirements = .standard) {
        self.signaturesMax = signaturesMax
        self.requirements = requirements
    }

    /// Ten signatures.
    public static let standard = DKIMVerifierSettings()
}

extension DKIMResult {
    /// The result for the field of `body`; what a signature that cannot be read still tells is told.
    fileprivate init(_ body: ArraySlice<UInt8>, _ signature: DKIMSignature?, _ failure: SignatureFailure?, isTesting: Bool) {
        let tags = signature?.tags ?? (try? TagList(parsing: body))
        result = failure?.result ?? .pass
        self.failure = failure
        domain = signature?.domain ?? tags?["d"].flatMap { try? Domain(parsing: $0) }
        selector = signature?.selector ?? tags?["s"].flatMap { try? DKIMSignature.selector($0) }
        algorithm = signature?.algorithm ?? tags?.text("a").flatMap { SignatureAlgorithm(rawValue: $0.lowercased()) }
        identity = signature?.identity
        signaturePrefix = tags?["b"].flatMap(DKIMResult.prefix)
        self.isTesting = isTesting
    }

    private static func prefix(_ value: ArraySlice<UInt8>) -> String? {
        let characters = value.lazy.filter { !$0.isFolding }.prefix(8)
        guard !characters.isEmpty, Base64.decode(characters, .lenient) != nil else { return nil }
        return String(decoding: characters, as: UTF8.self)
    }
}

extension HeaderName {
    /// A DKIM signature (RFC 6376 §3.5).
    public static let dkimSignature: HeaderName = "DKIM-Signature"
}

import Cryptography
import DNS
import MessageFormat
import Ports

/// Validates the ARC chain of one message (RFC 8617 §5.2).
///
/// Made before the body comes, since it asks for body hashes; `verify` is called when the body has ended.
public final class ARCVerifier {
    private let header: MessageHeader
    private let bodies: BodyHashes
    private let lookups: Lookups
    private var sets: [ARCSet] = []
    private var mistake: ARCMistake?
    private var hashRequests: [Int: BodyHashes.Request] = [:]
    private let requirements: SignatureRequirements
    private var keys: [String: Result<KeyRecord, SignatureFailure>] = [:]

    /// A verifier of the chain in `header`, which asks `bodies` for the hashes that it needs.
    public init(_ header: MessageHeader, bodies: BodyHashes, _ lookups: Lookups, _ requirements: SignatureRequirements = .standard) {
        self.header = header
        self.bodies = bodies
        self.lookups = lookups
        self.requirements = requirements
        do throws(ARCMistake) {
            sets = try ARCSet.chain(of: header)
            if !sets.isEmpty, header.isMalformed { throw ARCMistake("the header has a line that is not a field", instance: nil) }
            for set in sets {
                let signature = set.message.signature
                hashRequests[set.instance] = bodies.request(signature.bodyCanonicalization, signature.algorithm.hashFunction)
            }
        } catch {
            mistake = error
        }
    }

    /// Validates the chain; `completion` is called once, on the lookups' loop, perhaps before this returns; the body must have ended.
    public func verify(completion: @escaping (ARCResult) -> Void) {
        if let mistake {
            return completion(ARCResult(.fail, instance: ARCSet.highestInstance(of: header), reason: mistake.text))
        }
        guard let last = sets.last else { return completion(ARCResult(.none, instance: nil, reason: "there is no ARC set")) }
        // RFC 8617 §5.2 step 2: a chain that was found broken stays broken.
        if last.seal.status == .fail {
            var result = fail("the chain was sealed as failed", last.instance)
            result.isClosed = true
            return completion(result)
        }
        // The first sealer finds no chain, every other one a chain that passes (RFC 8617 §5.2 step 3).
        if let wrong = sets.first(where: { $0.seal.status != ($0.instance == 1 ? ARCSealField.Status.none : ARCSealField.Status.pass) }) {
            return completion(fail("the ARC-Seal says cv=\(wrong.seal.status.rawValue)", wrong.instance))
        }
        verifyMessage(last) { [self] failure in
            if let failure { return completion(failed("ARC-Message-Signature", failure, last.instance)) }
            verifySeals(sets.count - 1, completion)
        }
    }

    // MARK: Signatures

    /// Verifies the seals from `index` down to the first.
    private func verifySeals(_ index: Int, _ completion: @escaping (ARCResult) -> Void) {
        guard index >= 0 else { return findOldestPass(sets.count - 2, completion) }
        let seal = sets[index].seal
        key(seal.keyName) { [self] key in
            if let failure = failure(seal, index, key) { return completion(failed("ARC-Seal", failure, seal.instance)) }
            verifySeals(index - 1, completion)
        }
    }

    /// Goes down from `index` while message signatures verify (RFC 8617 §5.2 step 5).
    private func findOldestPass(_ index: Int, _ completion: @escaping (ARCResult) -> Void) {
        guard index >= 0 else { return completion(passed(oldest: 0)) }
        verifyMessage(sets[index]) { [self] failure in
            if failure == nil { findOldestPass(index - 1, completion) } else { completion(passed(oldest: index + 2)) }
        }
    }

    private func verifyMessage(_ set: ARCSet, _ completion: @escaping (SignatureFailure?) -> Void) {
        let signature = set.message.signature
        guard let request = hashRequests[set.instance], bodies.value(request).hash == signature.bodyHash else { return completion(.bodyHash) }
        key(signature.keyName) { [self] key in
            switch key {
            case .failure(let failure): completion(failure)
            case .success(let record):
                if let failure = signature.failure(record) { return completion(failure) }
                guard let key = try? PublicKey(record) else { return completion(.keySyntax) }
                completion(signature.failure(in: header, set.message.field, body: bodies.value(request), key: key, requirements))
            }
        }
    }

    private func failure(_ seal: ARCSealField, _ index: Int, _ key: Result<KeyRecord, SignatureFailure>) -> SignatureFailure? {
        let record: KeyRecord
        switch key {
        case .failure(let failure): return failure
        case .success(let found): record = found
        }
        if record.isRevoked { return .keyRevoked }
        if record.keyType != seal.algorithm.keyType { return .keyType }
        if !record.allows(seal.algorithm) { return .keyHash }
        if !record.isForMail { return .keyService }
        guard let key = try? PublicKey(record) else { return .keySyntax }
        if case .rsa(let rsa) = key {
            if rsa.bits < requirements.rsaBitsMin { return .keyTooShort }
            if rsa.bits > requirements.rsaBitsMax { return .keyTooLong }
        }
        let hash = seal.algorithm.hashFunction.hash(sealedHeader(index))
        return key.isValid(seal.signature, ofHash: hash, seal.algorithm) ? nil : .signature
    }

    /// What the seal at `index` was made over: all sets up to its own, without its signature (RFC 8617 §5.1.1).
    private func sealedHeader(_ index: Int) -> [UInt8] {
        var octets: [UInt8] = []
        for (position, set) in sets[...index].enumerated() {
            for field in [set.results, set.message.field] { Canonicalization.relaxed.appendField(header.lines(of: field), to: &octets) }
            let seal = position == index ? set.seal.unsignedField : header.lines(of: set.seal.field)
            Canonicalization.relaxed.appendField(seal, to: &octets)
        }
        octets.removeLast(2)
        return octets
    }

    /// The key at `name`, asked for once.
    private func key(_ name: String, _ completion: @escaping (Result<KeyRecord, SignatureFailure>) -> Void) {
        if let key = keys[name] { return completion(key) }
        KeyLookup.find(name, lookups) { [self] key in
            keys[name] = key
            completion(key)
        }
    }

    // MARK: Results

    private func fail(_ reason: String, _ instance: Int) -> ARCResult {
        ARCResult(.fail, instance: sets.last?.instance, reason: ARCMistake(reason, instance: instance).text)
    }

    private func failed(_ field: String, _ failure: SignatureFailure, _ instance: Int) -> ARCResult {
        let reason = "\(field) in set \(instance): \(failure.rawValue)"
        return ARCResult(failure.result == .temperror ? .temperror : .fail, instance: sets.last?.instance, reason: reason)
    }

    private func passed(oldest: Int) -> ARCResult {
        let count = sets.count
        var result = ARCResult(.pass, instance: count, reason: count == 1 ? "one set, sealed by \(sets[0].seal.domain.ascii)"
            : "\(count) sets, the last sealed by \(sets[count - 1].seal.domain.ascii)")
        result.oldestPass = oldest
        result.chain = sets.map { set in
            ARCResult.Link(instance: set.instance, sealer: set.seal.domain, results: ARCResultsField.results(header.body(of: set.results)))
        }
        return result
    }
}

import Cryptography
import MessageFormat

/// The instance of an ARC field.
enum ARCInstance {
    /// The number of a set: 1 to 50 (RFC 8617 §4.2.1).
    static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard (1...2).contains(digits.count), digits.allSatisfy(\.isASCIIDigit) else { return nil }
        let number = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        return (1...ARCSet.maxInstance).contains(number) ? number : nil
    }
}

/// An `ARC-Message-Signature`: a DKIM signature whose `i=` is the instance (RFC 8617 §4.1.2).
struct ARCMessageSignature {
    let field: HeaderSection.Field
    let instance: Int
    let signature: DKIMSignature

    init(_ field: HeaderSection.Field, _ header: MessageHeader) throws(ARCMistake) {
        self.field = field
        do throws(SignatureFailure) {
            signature = try DKIMSignature(parsing: header.body(of: field), .arcMessageSignature)
            if let failure = signature.failure(.standard) { throw failure }
            // What follows a signed part of a body could be anything.
            guard signature.bodyLength == nil else { throw .bodyLength }
        } catch {
            throw ARCMistake("an ARC-Message-Signature is not valid: \(error.rawValue)", instance: nil)
        }
        guard let instance = ARCInstance.number(signature.tags["i"] ?? []) else {
            throw ARCMistake("an ARC-Message-Signature has no instance", instance: nil)
        }
        self.instance = instance
        // RFC 8617 §4.1.2: seals are signed by seals.
        guard !signature.signedFields.contains(.arcSeal) else { throw ARCMistake("the ARC-Message-Signature signs an ARC-Seal", instance: instance) }
    }
}

/// An `ARC-Seal`: a signature over the fields of the chain (RFC 8617 §4.1.3).
struct ARCSealField {
    /// The chain validation status that the sealer saw.
    enum Status: String {
        case none, pass, fail
    }

    let field: HeaderSection.Field
    let instance: Int
    let status: Status
    let algorithm: SignatureAlgorithm
    let domain: Domain
    let selector: String
    let signature: [UInt8]
    /// The field with the value of its `b=` taken out, as it is hashed.
    let unsignedField: ArraySlice<UInt8>

    /// The name under which the key is published.
    var keyName: String { "\(selector)._domainkey.\(domain.ascii)" }

    init(_ field: HeaderSection.Field, _ header: MessageHeader) throws(ARCMistake) {
        self.field = field
        guard let tags = try? TagList(parsing: header.body(of: field)) else { throw ARCMistake("the tags of an ARC-Seal are malformed", instance: nil) }
        guard let instance = ARCInstance.number(tags["i"] ?? []) else { throw ARCMistake("an ARC-Seal has no instance", instance: nil) }
        self.instance = instance
        guard tags["h"] == nil else { throw ARCMistake("the ARC-Seal has the tag h=", instance: instance) }
        guard let status = tags.text("cv").flatMap(Status.init) else { throw ARCMistake("the ARC-Seal has no chain validation status", instance: instance) }
        self.status = status
        // RFC 8301 §3.1: nobody signs with SHA-1 any more.
        guard let algorithm = tags.text("a").flatMap(SignatureAlgorithm.init), algorithm != .rsaSHA1 else {
            throw ARCMistake("the algorithm of the ARC-Seal is not known", instance: instance)
        }
        self.algorithm = algorithm
        guard let domain = tags["d"].flatMap({ try? Domain(parsing: $0) }) else { throw ARCMistake("the ARC-Seal has no domain", instance: instance) }
        self.domain = domain
        guard let selector = tags["s"].flatMap({ try? DKIMSignature.selector($0) }) else { throw ARCMistake("the ARC-Seal has no selector", instance: instance) }
        self.selector = selector
        guard let signature = tags["b"].flatMap({ Base64.decode($0, .lenient) }), !signature.isEmpty else {
            throw ARCMistake("the ARC-Seal has no signature", instance: instance)
        }
        self.signature = signature
        if let time = tags["t"] {
            guard (1...20).contains(time.count), time.allSatisfy(\.isASCIIDigit) else { throw ARCMistake("the time of the ARC-Seal is no number", instance: instance) }
        }
        unsignedField = SignedHeader.withoutSignature(field, of: header, tags: tags)
    }
}

/// The field `ARC-Authentication-Results`: an instance, then the results (RFC 8617 §4.1.1).
enum ARCResultsField {
    /// The instance at the start of the body of a field.
    static func instance(_ body: ArraySlice<UInt8>) throws(ARCMistake) -> Int {
        let piece = body.prefix { $0 != UInt8(ascii: ";") }
        guard piece.endIndex < body.endIndex, let equals = piece.firstIndex(of: UInt8(ascii: "=")),
              piece[..<equals].withoutBlanks.elementsEqual("i".utf8),
              let instance = ARCInstance.number(piece[(equals + 1)...].withoutBlanks) else {
            throw ARCMistake("an ARC-Authentication-Results has no instance", instance: nil)
        }
        return instance
    }

    /// The results that follow the instance; nil where they cannot be read.
    static func results(_ body: ArraySlice<UInt8>) -> AuthenticationResults? {
        guard let semicolon = body.firstIndex(of: UInt8(ascii: ";")) else { return nil }
        return try? AuthenticationResults(parsing: body[(semicolon + 1)...])
    }
}

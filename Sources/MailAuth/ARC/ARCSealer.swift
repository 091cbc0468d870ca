import Cryptography
import MessageFormat
import Ports

/// Adds a set to the ARC chain of a message that goes on (RFC 8617 §5.1).
public struct ARCSealer: Sendable {
    /// Why a message is not sealed.
    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// The last sealer found the chain broken: nobody may add to it.
        case chainIsClosed
        /// The chain has as many sets as it may have.
        case tooManySets
        /// The state of the chain is not known for now.
        case chainIsUnknown
        /// The key does not sign.
        case key(CryptographyError)

        /// Why, for people.
        public var description: String {
            switch self {
            case .chainIsClosed: "the chain was sealed as failed, and nobody may add to it (RFC 8617 §5.1)"
            case .tooManySets: "the chain has \(ARCSet.maxInstance) sets already"
            case .chainIsUnknown: "the chain cannot be validated for now"
            case .key(let error): "the key does not sign: \(error)"
            }
        }
    }

    /// The fields that are signed where they are present, if nothing else is asked for.
    public static let usualFields: [HeaderName] = [
        "From", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Reply-To", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "DKIM-Signature",
    ]

    /// The domain that seals (`d=`).
    public let domain: Domain
    /// The selector of its key (`s=`).
    public let selector: String
    private let key: SigningKey
    private let signedFields: [HeaderName]

    /// A sealer in the name of `domain`.
    public init(domain: Domain, selector: String, key: SigningKey, signedFields: [HeaderName] = usualFields) {
        self.domain = domain
        self.selector = selector
        self.key = key
        self.signedFields = signedFields
    }

    /// Asks for the hash of the body that `seal` needs.
    public func request(_ bodies: BodyHashes) -> BodyHashes.Request { bodies.request(.relaxed, key.algorithm.hashFunction) }

    /// The three fields of a new set, to be put in front of the message.
    ///
    /// `results` is the body of an `Authentication-Results` field; `chain` is what `ARCVerifier` says of the
    /// message as it came; `bodyHash` is the relaxed hash of its body.
    public func seal(_ header: MessageHeader, bodyHash: [UInt8], chain: ARCResult, results: String, at time: Timestamp) throws(Failure) -> [UInt8] {
        if chain.isClosed { throw .chainIsClosed }
        let status: ARCSealField.Status
        switch chain.result {
        case .none: status = .none
        case .pass: status = .pass
        case .temperror: throw .chainIsUnknown
        case .fail, .softfail, .neutral, .policy, .permerror: status = .fail
        }
        let instance = (chain.instance ?? 0) + 1
        guard instance <= ARCSet.maxInstance else { throw .tooManySets }
        let about = "d=\(domain.ascii); i=\(instance); s=\(selector); t=\(max(0, time.seconds))"

        let resultsField = HeaderField(.arcAuthenticationResults, structured: "i=\(instance); " + results).wire
        let names = signedNames(header)
        let hashText = String(decoding: Base64.encode(bodyHash), as: UTF8.self)
        let domainAndNames = "d=\(domain.ascii); h=\(names.map { $0.text.lowercased() }.joined(separator: ":"))"
        let rest = "bh=\(hashText); c=relaxed/relaxed; \(domainAndNames); i=\(instance); s=\(selector); t=\(max(0, time.seconds))"
        let message = try signed(.arcMessageSignature, rest) { field in
            SignedHeader.octets(names, of: header, signatureField: field, .relaxed)
        }

        var sealed: [UInt8] = []
        if status != .fail { appendChain(header, count: instance - 1, to: &sealed) }
        Canonicalization.relaxed.appendField(resultsField[...], to: &sealed)
        Canonicalization.relaxed.appendField(message[...], to: &sealed)
        let seal = try signed(.arcSeal, "cv=\(status.rawValue); \(about)") { field in
            var octets = sealed
            Canonicalization.relaxed.appendField(field, to: &octets)
            octets.removeLast(2)
            return octets
        }
        return seal + message + resultsField
    }

    /// The results that `service` wrote on the message, put together from all of its fields and kept as they are written.
    public static func results(of service: String, in header: MessageHeader) -> String {
        var parts: [String] = []
        for field in header.fields(.authenticationResults) {
            let body = header.body(of: field)
            guard let results = try? AuthenticationResults(parsing: body), results.service.lowercased() == service.lowercased(),
                  let semicolon = body.firstIndex(of: 0x3b) else { continue }
            let text = String(decoding: body[(semicolon + 1)...].withoutBlanks.filter { $0 != 0x0d && $0 != 0x0a }, as: UTF8.self)
            if !results.methods.isEmpty { parts.append(text) }
        }
        return AuthenticationResults.value(service) + "; " + (parts.isEmpty ? "none" : parts.joined(separator: "; "))
    }

    /// The names to sign: each as often as the message has it.
    private func signedNames(_ header: MessageHeader) -> [HeaderName] {
        signedFields.flatMap { Array(repeating: $0, count: header.fields($0).count) }
    }

    /// The fields of the first `count` sets, canonical.
    private func appendChain(_ header: MessageHeader, count: Int, to octets: inout [UInt8]) {
        guard count > 0, let sets = try? ARCSet.chain(of: header) else { return }
        for set in sets.prefix(count) {
            for field in [set.results, set.message.field, set.seal.field] { Canonicalization.relaxed.appendField(header.lines(of: field), to: &octets) }
        }
    }

    /// A field of tags in alphabetical order with its signature, made over what `input` makes of the field without one.
    private func signed(_ name: HeaderName, _ tags: String, _ input: (ArraySlice<UInt8>) -> [UInt8]) throws(Failure) -> [UInt8] {
        let start = "\(name.text): a=\(key.algorithm.rawValue); b="
        let end = folded("; " + tags)
        let unsigned = Array((start + end).utf8)
        let signature: [UInt8]
        do throws(CryptographyError) {
            signature = try key.sign(hash: key.algorithm.hashFunction.hash(input(unsigned[...])))
        } catch {
            throw .key(error)
        }
        var field = Array(start.utf8)
        for (index, octet) in Base64.encode(signature).enumerated() {
            if index > 0, index.isMultiple(of: 72) { field += [0x0d, 0x0a, 0x20] }
            field.append(octet)
        }
        return field + Array(end.utf8)
    }

    /// `tags` with folds where a line would go over the preferred width: before words, and after colons in long lists.
    private func folded(_ tags: String) -> String {
        var text = ""
        // What stands before is the end of a signature, of unknown width.
        var width = 74
        for (index, word) in tags.split(separator: " ").enumerated() {
            let isLong = word.utf8.count > 72
            for (part, piece) in (isLong ? ARCSealer.pieces(word) : [word]).enumerated() {
                let mayFold = index > 0 || part > 0
                if mayFold, width + piece.utf8.count + 1 > 76 {
                    text += "\r\n "
                    width = 1
                } else if mayFold, part == 0 {
                    text += " "
                    width += 1
                }
                text += piece
                width += piece.utf8.count
            }
        }
        return text + "\r\n"
    }

    /// `list` cut after each of its colons.
    private static func pieces(_ list: Substring) -> [Substring] {
        var pieces: [Substring] = []
        var rest = list
        while let colon = rest.firstIndex(of: ":") {
            let end = rest.index(after: colon)
            pieces.append(rest[..<end])
            rest = rest[end...]
        }
        return rest.isEmpty ? pieces : pieces + [rest]
    }
}

import MessageFormat

/// One ARC Set: the three fields that a handler added (RFC 8617 §4.2).
struct ARCSet {
    /// Most sets of a chain (RFC 8617 §4.2.1).
    static let maxInstance = 50

    let instance: Int
    /// The field `ARC-Authentication-Results`.
    let results: HeaderSection.Field
    let message: ARCMessageSignature
    let seal: ARCSealField

    /// The sets of a message in the order of their instances; empty without any ARC field.
    ///
    /// Every rule of structure is checked here: each instance from 1 on has exactly one field of each kind,
    /// whose tags are there and have values that can be.
    static func chain(of header: MessageHeader) throws(ARCMistake) -> [ARCSet] {
        let fields = [HeaderName.arcAuthenticationResults, .arcMessageSignature, .arcSeal].map(header.fields)
        let count = fields.map(\.count).max() ?? 0
        if count == 0 { return [] }
        guard count <= maxInstance else { throw ARCMistake("more than \(maxInstance) ARC sets", instance: nil) }
        var results: [Int: HeaderSection.Field] = [:]
        var messages: [Int: ARCMessageSignature] = [:]
        var seals: [Int: ARCSealField] = [:]
        for field in fields[0] {
            let instance = try ARCResultsField.instance(header.body(of: field))
            guard results.updateValue(field, forKey: instance) == nil else { throw ARCMistake("two ARC-Authentication-Results", instance: instance) }
        }
        for field in fields[1] {
            let signature = try ARCMessageSignature(field, header)
            guard messages.updateValue(signature, forKey: signature.instance) == nil else {
                throw ARCMistake("two ARC-Message-Signatures", instance: signature.instance)
            }
        }
        for field in fields[2] {
            let seal = try ARCSealField(field, header)
            guard seals.updateValue(seal, forKey: seal.instance) == nil else { throw ARCMistake("two ARC-Seals", instance: seal.instance) }
        }
        var sets: [ARCSet] = []
        for instance in 1...count {
            guard let results = results[instance] else { throw ARCMistake("no ARC-Authentication-Results", instance: instance) }
            guard let message = messages[instance] else { throw ARCMistake("no ARC-Message-Signature", instance: instance) }
            guard let seal = seals[instance] else { throw ARCMistake("no ARC-Seal", instance: instance) }
            sets.append(ARCSet(instance: instance, results: results, message: message, seal: seal))
        }
        return sets
    }

    /// The highest instance that any ARC field names, whatever the state of the chain; nil without any.
    static func highestInstance(of header: MessageHeader) -> Int? {
        var highest: Int?
        for field in header.fields(.arcSeal) + header.fields(.arcMessageSignature) {
            guard let tags = try? TagList(parsing: header.body(of: field)), let instance = ARCInstance.number(tags["i"] ?? []) else { continue }
            highest = max(highest ?? 0, instance)
        }
        for field in header.fields(.arcAuthenticationResults) {
            guard let instance = try? ARCResultsField.instance(header.body(of: field)) else { continue }
            highest = max(highest ?? 0, instance)
        }
        return highest
    }
}

/// Why a chain is not valid.
struct ARCMistake: Error {
    let reason: String
    let instance: Int?

    init(_ reason: String, instance: Int?) {
        self.reason = reason
        self.instance = instance
    }

    /// What is wrong, for people.
    var text: String { instance.map { "\(reason) in set \($0)" } ?? reason }
}

extension HeaderName {
    /// What a handler found out (RFC 8617 §4.1.1).
    public static let arcAuthenticationResults: HeaderName = "ARC-Authentication-Results"
    /// A handler's signature of the message (RFC 8617 §4.1.2).
    public static let arcMessageSignature: HeaderName = "ARC-Message-Signature"
    /// A handler's signature of the chain (RFC 8617 §4.1.3).
    public static let arcSeal: HeaderName = "ARC-Seal"
}

import Cryptography
import MessageFormat
import Ports

/// A key and the name under which its public half is published.
public struct DKIMKey: Sendable {
    /// The signing domain (`d=`).
    public let domain: Domain
    /// The selector (`s=`), as A-labels.
    public let selector: String
    /// The private key.
    public let key: SigningKey

    /// A key; nil where `selector` is not one.
    public init?(domain: Domain, selector: String, key: SigningKey) {
        guard let selector = try? DKIMSignature.selector(Array(selector.utf8)[...]) else { return nil }
        self.domain = domain
        self.selector = selector
        self.key = key
    }

    /// The name of the TXT record that publishes it.
    public var recordName: String { "\(selector)._domainkey.\(domain.ascii)" }
}

/// What signatures are made of.
public struct DKIMSignerSettings: Hashable, Sendable {
    /// Fields that are signed where a message has them, every one of that name.
    public var fields: [HeaderName]
    /// Of these, the fields that are signed once more than the message has them, so that none can be added (RFC 6376 §8.15).
    public var oversigned: [HeaderName]
    /// The canonicalization of the header.
    public var headerCanonicalization = Canonicalization.relaxed
    /// The canonicalization of the body.
    public var bodyCanonicalization = Canonicalization.relaxed
    /// How long a signature is good; nil for ever.
    public var lifetime: Duration?

    /// The defaults.
    public init(fields: [HeaderName] = DKIMSignerSettings.standardFields, oversigned: [HeaderName] = DKIMSignerSettings.standardOversigned,
                lifetime: Duration? = nil) {
        self.fields = fields
        self.oversigned = oversigned
        self.lifetime = lifetime
    }

    /// Fields that say who wrote to whom, when and what, and how the body is to be read (RFC 6376 §5.4.1).
    public static let standardFields: [HeaderName] = [
        "From", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Sender", "MIME-Version",
        "Content-Type", "Content-Transfer-Encoding", "Content-Language", "Resent-From", "Resent-To", "Resent-Cc", "Resent-Date",
        "Resent-Message-ID", "List-Id", "List-Help", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Subscribe", "List-Post",
        "List-Owner", "List-Archive", "Feedback-ID", "Autocrypt",
    ]

    /// Fields that a reader is shown, or that change what is shown.
    public static let standardOversigned: [HeaderName] = [
        "From", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID", "Sender", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding",
    ]
}

/// Makes DKIM signatures (RFC 6376 §5).
///
/// Made in two steps: the hash of the body while the message arrives, through `bodyHash(in:)`; then the fields, which take
/// the time of one private-key operation each: a worker thread's job. A value without state, so that it may run anywhere.
public struct DKIMSigner: Sendable {
    /// What signatures are made of.
    public let settings: DKIMSignerSettings

    /// A signer.
    public init(_ settings: DKIMSignerSettings = DKIMSignerSettings()) { self.settings = settings }

    /// Asks `bodies` for the hash that `sign` needs.
    public func bodyHash(in bodies: BodyHashes) -> BodyHashes.Request { bodies.request(settings.bodyCanonicalization, .sha256) }

    /// One DKIM-Signature field for each of `keys`, ready to be put in front of the message.
    ///
    /// The body is never signed in part: there is no `l=`.
    public func sign(_ header: MessageHeader, bodyHash: [UInt8], keys: [DKIMKey], at now: Timestamp) throws(CryptographyError) -> [UInt8] {
        let names = signedFields(of: header)
        var output: [UInt8] = []
        for key in keys {
            var field = fold(tags(key, bodyHash, names, now))
            let input = SignedHeader.octets(names, of: header, signatureField: field[...], settings.headerCanonicalization)
            let signature = Base64.encode(try key.key.sign(hash: HashFunction.sha256.hash(input)))
            DKIMSigner.appendFolded(signature, to: &field)
            output += field + [0x0d, 0x0a]
        }
        return output
    }

    /// The names of `h=`: each as often as the message has it, and once more where it is oversigned.
    public func signedFields(of header: MessageHeader) -> [HeaderName] {
        var names: [HeaderName] = []
        for name in settings.fields {
            let count = header.section.count(of: name, in: header.octets.span) + (settings.oversigned.contains(name) ? 1 : 0)
            names += Array(repeating: name, count: count)
        }
        // What is oversigned and missing above is signed as missing; From is always there (RFC 6376 §5.4).
        for name in settings.oversigned + [.from] where !names.contains(name) {
            names += Array(repeating: name, count: header.section.count(of: name, in: header.octets.span) + 1)
        }
        return names
    }

    /// The tags with their ends; the value of the last, `b=`, is still to come.
    private func tags(_ key: DKIMKey, _ bodyHash: [UInt8], _ names: [HeaderName], _ now: Timestamp) -> [String] {
        let algorithm = key.key.algorithm
        var tags = ["v=1;", "a=\(algorithm.rawValue);"]
        tags.append("c=\(settings.headerCanonicalization.rawValue)/\(settings.bodyCanonicalization.rawValue);")
        tags += ["d=\(key.domain.ascii);", "s=\(key.selector);", "t=\(max(0, now.seconds));"]
        if let lifetime = settings.lifetime { tags.append("x=\(max(0, (now + lifetime).seconds));") }
        for (index, name) in names.enumerated() {
            tags.append((index == 0 ? "h=" : "") + name.text + (index == names.count - 1 ? ";" : ":"))
        }
        tags.append("bh=\(String(decoding: Base64.encode(bodyHash), as: UTF8.self));")
        tags.append("b=")
        return tags
    }

    /// The field up to the equals sign of `b=`, folded between tags and between names.
    private func fold(_ tags: [String]) -> [UInt8] {
        var field = Array("DKIM-Signature:".utf8)
        var width = field.count
        var isWithinNames = false
        for tag in tags {
            let octets = tag.utf8
            let startsTag = !isWithinNames
            if width + octets.count + 1 > DKIMSigner.width {
                field += [0x0d, 0x0a, 0x09]
                width = 1
            } else if startsTag {
                field.append(0x20)
                width += 1
            }
            field += octets
            width += octets.count
            isWithinNames = octets.last == 0x3a
        }
        return field
    }

    private static let width = 76

    /// Appends base64 in lines; the first goes on where the field stands.
    private static func appendFolded(_ signature: [UInt8], to field: inout [UInt8]) {
        let start = (field.lastIndex(of: 0x0a) ?? -1) + 1
        var room = max(1, width - (field.count - start))
        var rest = signature[...]
        while !rest.isEmpty {
            field += rest.prefix(room)
            rest = rest.dropFirst(room)
            room = width - 1
            if !rest.isEmpty { field += [0x0d, 0x0a, 0x09] }
        }
    }
}

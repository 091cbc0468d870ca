import Cryptography
@testable import MailAuth
import MessageFormat
import Ports

/// DKIM: fields, keys and messages of strangers; and one canonical body, however it is cut.
let dkimTarget = FuzzTarget(
    name: "dkim", maxLength: 4096,
    seeds: ["DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=a.example; s=s; h=From:To; i=x=20y@a.example; t=1; x=2; l=3; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\nFrom: a@a.example\r\n\r\nbody \r\n\r\n",
            "v=DKIM1; k=rsa; h=sha256; s=email; t=y:s; n=x; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ==", "a  b\t\r\n \r\n\r\nc\r"].map(\.octets),
    words: ["\r\n ", "\r\n\r\n", "b=", "bh=", ";", "ed25519-sha256", "relaxed/relaxed", "DKIM-Signature:", "=3D", "xn--"]) { bytes in
    if let tags = try? TagList(parsing: bytes) {
        var next = 0
        for tag in tags.tags {
            check(tag.extent.lowerBound >= next && tag.extent.upperBound <= bytes.count, "a tag out of its place")
            check(tag.value.isEmpty || (tag.value.startIndex >= tag.extent.lowerBound && tag.value.endIndex <= tag.extent.upperBound),
                  "a value outside of its tag")
            next = tag.extent.upperBound
        }
    }
    if let record = try? KeyRecord(parsing: bytes), !record.isRevoked, let key = try? PublicKey(record) {
        check(!key.isValid([1, 2, 3], ofHash: HashFunction.sha256.hash(bytes), .rsaSHA256), "a made-up signature passes")
    }
    if let header = try? MessageHeader(scanning: bytes) { checkSignatures(header) }
    checkBody(bytes)
}

private func checkSignatures(_ header: MessageHeader) {
    for field in header.section.fields {
        guard let signature = try? DKIMSignature(parsing: header.body(of: field)) else { continue }
        check(signature.identityDomain.isWithin(signature.domain), "an identity of another domain")
        check(signature.keyName.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }, "a key name that is no name")
        let bare = SignedHeader.withoutSignature(field, of: header, tags: signature.tags)
        for form in Canonicalization.allCases {
            let octets = SignedHeader.octets(signature.signedFields, of: header, signatureField: bare, form)
            check(octets.count <= header.octets.count + 8 * (header.section.fields.count + 1), "more was signed than there is")
        }
    }
}

/// The hash is the same whole, octet by octet, and cut where the input says.
private func checkBody(_ bytes: [UInt8]) {
    for form in Canonicalization.allCases {
        var hashes: Set<[UInt8]> = []
        for size in [bytes.count + 1, 1, 1 + Int(bytes.first ?? 2)] {
            let bodies = BodyHashes()
            let request = bodies.request(form, .sha256)
            let limited = bodies.request(form, .sha256, limit: UInt64(bytes.count / 2))
            var index = 0
            while index < bytes.count {
                let end = min(index + size, bytes.count)
                bodies.receive(bytes[index..<end])
                index = end
            }
            bodies.finish()
            hashes.insert(bodies.value(request).hash + bodies.value(limited).hash)
        }
        check(hashes.count == 1, "the hash depends on the cuts")
    }
}

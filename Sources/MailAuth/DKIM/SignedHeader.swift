import Cryptography
import MessageFormat

/// The octets of the header that a signature is made over (RFC 6376 §3.7, §5.4.2).
public enum SignedHeader {
    /// The canonical octets of the fields `names` of `header`, then of the signature field itself without the value
    /// of its `b=` and without its final CRLF.
    ///
    /// Of several fields with one name the lowest that was not yet taken is meant; a name for which none is left
    /// stands for nothing. `signatureField` is the field from its name on; see `withoutSignature`.
    public static func octets(_ names: [HeaderName], of header: MessageHeader, signatureField: ArraySlice<UInt8>,
                              _ canonicalization: Canonicalization) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(2048)
        var left = indices(names, of: header)
        for name in names {
            guard let index = left[name]?.popLast() else { continue }
            canonicalization.appendField(header.lines(of: header.section.fields[index]), to: &output)
        }
        canonicalization.appendField(signatureField, to: &output)
        output.removeLast(2)
        return output
    }

    /// The signature field `field` of `header` with nothing between the equals sign of `b=` and what ends the tag.
    public static func withoutSignature(_ field: HeaderSection.Field, of header: MessageHeader, tags: TagList) -> ArraySlice<UInt8> {
        let end = field.body.upperBound
        guard let extent = tags.tags.first(where: { $0.name == "b" })?.extent else { return header.octets[field.lines.lowerBound..<end] }
        return (header.octets[field.lines.lowerBound..<extent.lowerBound] + header.octets[extent.upperBound..<end])[...]
    }

    /// Where the fields are that `names` may mean, from top to bottom.
    private static func indices(_ names: [HeaderName], of header: MessageHeader) -> [HeaderName: [Int]] {
        var indices: [HeaderName: [Int]] = [:]
        for name in names { indices[name] = [] }
        for (index, field) in header.section.fields.enumerated() {
            guard let name = HeaderName(parsing: String(decoding: header.octets[field.name], as: UTF8.self)) else { continue }
            indices[name]?.append(index)
        }
        return indices
    }
}

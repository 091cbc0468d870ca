import Foundation
@testable import MessageFormat

/// The reader's side of RFC 2047, for round trips.
enum EncodedWordDecoder {
    /// The text of a field body that has been unfolded.
    static func decode(_ body: String) -> String {
        var output: [UInt8] = []
        var previousWasEncoded = false
        for word in body.split(separator: " ", omittingEmptySubsequences: false) {
            let parts = word.split(separator: "?", omittingEmptySubsequences: false)
            if parts.count == 5, parts[0] == "=", parts[4] == "=" {
                if !previousWasEncoded, !output.isEmpty { output.append(0x20) }
                output += parts[2] == "q" ? decodeQ(parts[3]) : Array(Data(base64Encoded: String(parts[3])) ?? Data())
                previousWasEncoded = true
            } else {
                if !output.isEmpty { output.append(0x20) }
                output += Array(word.utf8)
                previousWasEncoded = false
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func decodeQ(_ text: Substring) -> [UInt8] {
        var output: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let octet = rest.popFirst() {
            if octet == 0x3d, let high = rest.popFirst()?.hexDigitValue, let low = rest.popFirst()?.hexDigitValue {
                output.append(high << 4 | low)
            } else {
                output.append(octet == 0x5f ? 0x20 : octet)
            }
        }
        return output
    }
}

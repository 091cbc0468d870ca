/// A text with macros, such as `%{ir}.%{v}._spf.%{d2}` (RFC 7208 §7).
public struct SPFMacroString: Hashable, Sendable {
    /// Where a macro string stands: it decides which letters and which octets are allowed.
    enum Place { case domain, explanation }

    /// A macro: a letter and how its value is cut (RFC 7208 §7.1).
    struct Macro: Hashable, Sendable {
        /// The letter in lower case.
        let letter: UInt8
        /// Whether the value is escaped for a URL: the letter is written in upper case.
        let isEscaped: Bool
        /// How many labels are kept, from the right; nil for all.
        let count: Int?
        /// Whether the labels are reversed first.
        let isReversed: Bool
        /// The octets between labels.
        let delimiters: [UInt8]
    }

    enum Part: Hashable, Sendable {
        case literal([UInt8])
        case macro(Macro)
    }

    let parts: [Part]
    /// Whether the text can be a domain-spec: it ends in a macro, or in a dot and a top-level label (RFC 7208 §7.1).
    let endsAsDomain: Bool
    /// Whether the name that the client's address points to is needed.
    var needsPointerName: Bool { contains(UInt8(ascii: "p")) }
    /// Whether the sender's local part is needed.
    var needsLocalPart: Bool { contains(UInt8(ascii: "l")) || contains(UInt8(ascii: "s")) }

    private func contains(_ letter: UInt8) -> Bool {
        parts.contains { if case .macro(let macro) = $0 { macro.letter == letter } else { false } }
    }

    /// Parses all of `text`; `term` is what an error names.
    init(parsing text: ArraySlice<UInt8>, as place: Place, of term: ArraySlice<UInt8>) throws(SPFSyntaxError) {
        var parts: [Part] = []
        var literal: [UInt8] = []
        var endsInMacro = false
        var index = text.startIndex
        while index < text.endIndex {
            let octet = text[index]
            guard octet == UInt8(ascii: "%") else {
                guard (0x21...0x7e).contains(octet) || (octet == 0x20 && place == .explanation) else {
                    throw SPFSyntaxError(term, "octets other than visible ASCII")
                }
                literal.append(octet)
                endsInMacro = false
                index += 1
                continue
            }
            endsInMacro = true
            switch index + 1 < text.endIndex ? text[index + 1] : 0 {
            case UInt8(ascii: "%"): literal.append(UInt8(ascii: "%"))
            case UInt8(ascii: "_"): literal.append(0x20)
            case UInt8(ascii: "-"): literal.append(contentsOf: Array("%20".utf8))
            case UInt8(ascii: "{"):
                guard let end = text[index...].firstIndex(of: UInt8(ascii: "}")) else { throw SPFSyntaxError(term, "a macro without its }") }
                let macro = try SPFMacroString.macro(text[(index + 2)..<end], place, of: term)
                if !literal.isEmpty { parts.append(.literal(literal)) }
                literal = []
                parts.append(.macro(macro))
                index = end + 1
                continue
            default: throw SPFSyntaxError(term, "a % that begins no macro")
            }
            index += 2
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        self.parts = parts
        endsAsDomain = endsInMacro || SPFMacroString.endsInTopLabel(text)
    }

    private static func macro(_ text: ArraySlice<UInt8>, _ place: Place, of term: ArraySlice<UInt8>) throws(SPFSyntaxError) -> Macro {
        guard let first = text.first else { throw SPFSyntaxError(term, "a macro without a letter") }
        let letter = first.asciiLowercased
        guard (place == .domain ? "slodiphv" : "slodiphvcrt").utf8.contains(letter) else {
            throw SPFSyntaxError(term, "an unknown macro letter")
        }
        var rest = text.dropFirst()
        let digits = rest.prefix(while: \.isASCIIDigit)
        rest = rest.dropFirst(digits.count)
        let count = digits.isEmpty ? nil : digits.reduce(0) { min($0 * 10 + Int($1 - 0x30), maxLabels) }
        guard count != 0 else { throw SPFSyntaxError(term, "a macro that keeps no label") }
        let isReversed = rest.first?.asciiLowercased == UInt8(ascii: "r")
        if isReversed { rest = rest.dropFirst() }
        guard rest.allSatisfy({ ".-+,/_=".utf8.contains($0) }) else { throw SPFSyntaxError(term, "an unknown macro delimiter") }
        return Macro(letter: letter, isEscaped: letter != first, count: count, isReversed: isReversed,
                     delimiters: rest.isEmpty ? [UInt8(ascii: ".")] : Array(rest))
    }

    /// More labels than any value has: larger numbers all mean "every label".
    private static let maxLabels = 1024

    private static func endsInTopLabel(_ text: ArraySlice<UInt8>) -> Bool {
        let name = text.last == UInt8(ascii: ".") ? text.dropLast() : text
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return false }
        let label = name[(dot + 1)...]
        return !label.isEmpty && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
            && label.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") }
            && !label.allSatisfy(\.isASCIIDigit)
    }
}

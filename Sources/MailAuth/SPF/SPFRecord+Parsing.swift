import Ports

/// Why a text is not an SPF record: the term at fault and what is wrong with it (RFC 7208 §4.6).
public struct SPFSyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The term as it is written, made safe to show.
    public let term: String
    /// What is wrong with it.
    public let reason: String

    init(_ term: some Sequence<UInt8>, _ reason: String) {
        self.term = String(decoding: term.prefix(80).map { (0x20...0x7e).contains($0) ? $0 : 0x3f }, as: UTF8.self)
        self.reason = reason
    }

    /// `"a:museum": the domain has no dot`.
    public var description: String { "\"\(term)\": \(reason)" }
}

extension SPFRecord {
    /// Parses the whole of a TXT record that `isRecord` recognises; one error anywhere spoils all of it (RFC 7208 §4.6).
    public init(parsing octets: [UInt8], limits: SPFLimits = .standard) throws(SPFSyntaxError) {
        guard octets.count <= limits.recordOctets else {
            throw SPFSyntaxError(octets, "the record has more than \(limits.recordOctets) octets")
        }
        var terms = SPFTerms()
        for term in octets.dropFirst("v=spf1".utf8.count).split(separator: 0x20) { try terms.add(term) }
        self.init(directives: terms.directives, redirect: terms.redirect, explanation: terms.explanation)
    }
}

/// The terms of a record, taken one by one.
private struct SPFTerms {
    var directives: [SPFRecord.Directive] = []
    var redirect: SPFMacroString?
    var explanation: SPFMacroString?

    mutating func add(_ term: ArraySlice<UInt8>) throws(SPFSyntaxError) {
        guard term.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw SPFSyntaxError(term, "octets other than visible ASCII")
        }
        let nameEnd = term.firstIndex { !($0.isASCIILetter || $0.isASCIIDigit || [0x2d, 0x5f, 0x2e].contains($0)) }
        if let nameEnd, term[nameEnd] == UInt8(ascii: "=") {
            try addModifier(term, value: nameEnd + 1)
        } else {
            directives.append(try SPFTerms.directive(term))
        }
    }

    private mutating func addModifier(_ term: ArraySlice<UInt8>, value start: Int) throws(SPFSyntaxError) {
        let name = term[..<(start - 1)], value = term[start...]
        guard name.first?.isASCIILetter == true else { throw SPFSyntaxError(term, "a modifier's name begins with a letter") }
        switch SPFTerms.lowercased(name) {
        case "redirect":
            guard redirect == nil else { throw SPFSyntaxError(term, "a second redirect") }
            redirect = try SPFTerms.domain(value, of: term)
        case "exp":
            guard explanation == nil else { throw SPFSyntaxError(term, "a second exp") }
            explanation = try SPFTerms.domain(value, of: term)
        default:
            // RFC 7208 §6: unknown modifiers mean nothing, but their macros must be well formed.
            _ = try SPFMacroString(parsing: value, as: .explanation, of: term)
        }
    }

    private static func directive(_ term: ArraySlice<UInt8>) throws(SPFSyntaxError) -> SPFRecord.Directive {
        let sign = term.first.flatMap(SPFRecord.Qualifier.init(rawValue:))
        let body = sign == nil ? term : term.dropFirst()
        let end = body.firstIndex { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "/") } ?? body.endIndex
        let mechanism = try mechanism(lowercased(body[..<end]), arguments: body[end...], of: term)
        return SPFRecord.Directive(qualifier: sign ?? .pass, mechanism: mechanism, text: String(decoding: term, as: UTF8.self))
    }

    private static func mechanism(_ name: String, arguments: ArraySlice<UInt8>,
                                  of term: ArraySlice<UInt8>) throws(SPFSyntaxError) -> SPFRecord.Mechanism {
        switch name {
        case "all":
            guard arguments.isEmpty else { throw SPFSyntaxError(term, "all takes no argument") }
            return .all
        case "include": return .include(try domain(try value(arguments, of: term), of: term))
        case "exists": return .exists(try domain(try value(arguments, of: term), of: term))
        case "ptr": return .ptr(arguments.isEmpty ? nil : try domain(try value(arguments, of: term), of: term))
        case "a", "mx":
            let (rest, lengths) = try prefixLengths(arguments, of: term)
            let target = rest.isEmpty ? nil : try domain(try value(rest, of: term), of: term)
            return name == "a" ? .a(target, lengths) : .mx(target, lengths)
        case "ip4": return .network(try network(try value(arguments, of: term), width: 32, of: term))
        case "ip6": return .network(try network(try value(arguments, of: term), width: 128, of: term))
        default: throw SPFSyntaxError(term, "an unknown mechanism")
        }
    }

    /// What follows the colon.
    private static func value(_ arguments: ArraySlice<UInt8>, of term: ArraySlice<UInt8>) throws(SPFSyntaxError) -> ArraySlice<UInt8> {
        guard arguments.first == UInt8(ascii: ":"), arguments.count > 1 else { throw SPFSyntaxError(term, "needs an argument after a colon") }
        return arguments.dropFirst()
    }

    private static func domain(_ text: ArraySlice<UInt8>, of term: ArraySlice<UInt8>) throws(SPFSyntaxError) -> SPFMacroString {
        let macro = try SPFMacroString(parsing: text, as: .domain, of: term)
        guard macro.endsAsDomain else { throw SPFSyntaxError(term, "the domain ends in neither a macro nor a dot and a top-level label") }
        return macro
    }

    /// Takes `[/LENGTH][//LENGTH]` off the end (RFC 7208 §5.6).
    private static func prefixLengths(_ text: ArraySlice<UInt8>, of term: ArraySlice<UInt8>)
        throws(SPFSyntaxError) -> (rest: ArraySlice<UInt8>, lengths: SPFRecord.PrefixLengths) {
        var lengths = SPFRecord.PrefixLengths()
        var rest = text
        if let (before, digits) = lengthSuffix(rest, slashes: 2) {
            lengths.v6 = try length(digits, atMost: 128, of: term)
            rest = before
        }
        if let (before, digits) = lengthSuffix(rest, slashes: 1) {
            lengths.v4 = try length(digits, atMost: 32, of: term)
            rest = before
        }
        return (rest, lengths)
    }

    private static func lengthSuffix(_ text: ArraySlice<UInt8>, slashes: Int) -> (before: ArraySlice<UInt8>, digits: ArraySlice<UInt8>)? {
        let digits = text.suffix(while: \.isASCIIDigit)
        let before = text[..<digits.startIndex]
        guard !digits.isEmpty, before.count >= slashes, before.suffix(slashes).allSatisfy({ $0 == UInt8(ascii: "/") }) else { return nil }
        return (before.dropLast(slashes), digits)
    }

    private static func length(_ digits: ArraySlice<UInt8>, atMost bound: Int, of term: ArraySlice<UInt8>) throws(SPFSyntaxError) -> Int {
        guard digits.count <= 3, digits.count == 1 || digits.first != 0x30,
              let number = Int(String(decoding: digits, as: UTF8.self)), number <= bound else {
            throw SPFSyntaxError(term, "a prefix length is a number from 0 to \(bound)")
        }
        return number
    }

    private static func network(_ text: ArraySlice<UInt8>, width: Int, of term: ArraySlice<UInt8>) throws(SPFSyntaxError) -> IPNetwork {
        let end = text.firstIndex(of: UInt8(ascii: "/")) ?? text.endIndex
        guard let address = IPAddress(String(decoding: text[..<end], as: UTF8.self)), address.bitWidth == width else {
            throw SPFSyntaxError(term, width == 32 ? "not an IPv4 address" : "not an IPv6 address")
        }
        guard end < text.endIndex else { return IPNetwork(containing: address, prefixLength: width) }
        let digits = text[(end + 1)...]
        guard !digits.isEmpty, digits.allSatisfy(\.isASCIIDigit) else { throw SPFSyntaxError(term, "a prefix length is a number") }
        return IPNetwork(containing: address, prefixLength: try length(digits, atMost: width, of: term))
    }

    private static func lowercased(_ text: ArraySlice<UInt8>) -> String {
        String(decoding: text.map(\.asciiLowercased), as: UTF8.self)
    }
}

extension IPAddress {
    /// 32 or 128.
    fileprivate var bitWidth: Int { if case .v4 = self { 32 } else { 128 } }
}

extension ArraySlice {
    /// The longest end of which every element satisfies `predicate`.
    fileprivate func suffix(while predicate: (Element) -> Bool) -> ArraySlice<Element> {
        var start = endIndex
        while start > startIndex, predicate(self[start - 1]) { start -= 1 }
        return self[start...]
    }
}

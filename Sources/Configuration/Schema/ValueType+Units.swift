import Ports

extension ValueType where Value == Duration {
    /// A duration within `range`.
    static func duration(_ range: ClosedRange<Duration> = .zero ... .days(366)) -> ValueType {
        .word("duration", text: durationText) { word in
            guard let duration = parseDuration(word) else {
                return .failure(Expectation("expected a duration such as 30s, 5m, 4h or 5d"))
            }
            guard range.contains(duration) else {
                return .failure(Expectation("expected a duration from \(durationText(range.lowerBound)) to \(durationText(range.upperBound))"))
            }
            return .success(duration)
        }
    }
}

extension ValueType where Value == Int {
    /// A whole number within `range`.
    static func count(_ range: ClosedRange<Int>) -> ValueType {
        .word("number", text: { "\($0)" }) { word in
            guard !word.isEmpty, word.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(word), range.contains(number) else {
                return .failure(Expectation("expected a whole number from \(range.lowerBound) to \(range.upperBound)"))
            }
            return .success(number)
        }
    }

    /// A size in octets within `range`.
    static func size(_ range: ClosedRange<Int>) -> ValueType {
        .word("size", text: sizeText) { word in
            guard let size = parseSize(word) else {
                return .failure(Expectation("expected a size such as 512B, 256KiB, 50MiB or 2GiB"))
            }
            guard range.contains(size) else {
                return .failure(Expectation("expected a size from \(sizeText(range.lowerBound)) to \(sizeText(range.upperBound))"))
            }
            return .success(size)
        }
    }
}

extension ValueType where Value == Double {
    /// A part of the whole, written as a percentage within `range`.
    static func percentage(_ range: ClosedRange<Int>) -> ValueType {
        .word("percentage", text: { "\(Int(($0 * 100).rounded()))%" }) { word in
            guard word.hasSuffix("%"), let number = Int(word.dropLast()), range.contains(number) else {
                return .failure(Expectation("expected a percentage from \(range.lowerBound)% to \(range.upperBound)%"))
            }
            return .success(Double(number) / 100)
        }
    }
}

extension ValueType where Value == Bool {
    /// `true` or `false`.
    static var flag: ValueType {
        .scalar("true or false", expected: "true or false", text: { $0 ? "true" : "false" }) { word in
            ["true": true, "false": false][word]
        }
    }
}

extension ValueType where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of the words of an enumeration.
    static var choice: ValueType {
        let words = Value.allCases.map(\.rawValue)
        return .word(words.joined(separator: ", "), text: { $0.rawValue }) { word in
            if let value = Value(rawValue: word) { return .success(value) }
            let hint = NearestKey.find(word, among: words).map { " (did you mean '\($0)'?)" } ?? ""
            return .failure(Expectation("expected one of \(words.joined(separator: ", "))\(hint)"))
        }
    }
}

extension ValueType where Value == String {
    /// Text of one line without control characters, at most `maxOctets` long.
    static func text(maxOctets: Int) -> ValueType {
        .word("text", text: yamlText) { word in
            guard !word.isEmpty, word.utf8.count <= maxOctets, word.unicodeScalars.allSatisfy({ $0 >= " " && $0 != "\u{7f}" }) else {
                return .failure(Expectation("expected one line of text of at most \(maxOctets) octets"))
            }
            return .success(word)
        }
    }

    /// The name of a route.
    static var routeName: ValueType {
        .word("route name", text: yamlText) { word in
            guard (1...64).contains(word.utf8.count), word.utf8.allSatisfy({ octet in
                (0x61...0x7a).contains(octet | 0x20) || (0x30...0x39).contains(octet) || octet == 0x2d || octet == 0x5f
            }) else { return .failure(Expectation("expected a route name of letters, digits, '-' and '_'")) }
            return .success(word)
        }
    }

    /// A path; one that is not absolute counts from the folder of the configuration file.
    static func path(_ name: String = "path") -> ValueType {
        var type = ValueType.text(maxOctets: 4000)
        let read = type.read
        type = ValueType(name: name, read: { node, path, check in
            guard let text = read(node, path, &check) else { return nil }
            let resolved = check.resolved(text)
            check.notePath(resolved)
            return resolved
        }, text: type.text)
        return type
    }
}

extension Check {
    /// `path` from the folder of the configuration file, unless it is absolute.
    func resolved(_ path: String) -> String {
        guard !path.hasPrefix("/"), let end = file.lastIndex(of: "/") else { return path }
        return String(file[...end]) + path
    }
}

private let durationUnits: [(String, Int64)] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]

/// `1h30m`: the duration in the file's form, to the millisecond.
func durationText(_ duration: Duration) -> String {
    var milliseconds = duration.clampedNanoseconds / 1_000_000
    if milliseconds == 0 { return "0s" }
    var text = ""
    for (unit, length) in durationUnits where milliseconds / length > 0 {
        text += "\(milliseconds / length)\(unit)"
        milliseconds %= length
    }
    return text
}

/// Reads `90s`, `1h30m` or `0`; units from large to small, each at most once.
func parseDuration(_ text: String) -> Duration? {
    if text == "0" { return .zero }
    var rest = text[...]
    var units = durationUnits[...]
    var milliseconds: Int64 = 0
    while !rest.isEmpty {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        rest = rest.dropFirst(digits.count)
        let letters = rest.prefix { $0.isASCII && $0.isLetter }
        rest = rest.dropFirst(letters.count)
        guard let number = Int64(digits), let index = units.firstIndex(where: { $0.0 == letters }) else { return nil }
        let (part, overflow) = number.multipliedReportingOverflow(by: units[index].1)
        let (sum, carry) = milliseconds.addingReportingOverflow(part)
        guard !overflow, !carry else { return nil }
        milliseconds = sum
        units = units[(index + 1)...]
    }
    return text.isEmpty ? nil : .milliseconds(milliseconds)
}

private let sizeUnits: [(String, Int)] = [
    ("GiB", 1 << 30), ("GB", 1_000_000_000), ("MiB", 1 << 20), ("MB", 1_000_000), ("KiB", 1 << 10), ("kB", 1000), ("B", 1),
]

/// `50MiB`: the size in the largest unit that has it whole.
func sizeText(_ size: Int) -> String {
    let unit = sizeUnits.first { size >= $0.1 && size % $0.1 == 0 } ?? ("B", 1)
    return "\(size / unit.1)\(unit.0)"
}

/// Reads `256KiB`, `10MB` or a plain number of octets.
func parseSize(_ text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count)
    guard let number = Int(digits) else { return nil }
    if unit.isEmpty { return number }
    guard let factor = sizeUnits.first(where: { $0.0.lowercased() == unit.lowercased() })?.1 else { return nil }
    let (size, overflow) = number.multipliedReportingOverflow(by: factor)
    return overflow ? nil : size
}

import Yams

/// A kind of value that a key can have: how it is read, written and compared.
struct ValueType<Value: Equatable> {
    /// How the documentation calls it: `duration`, `list of networks`.
    let name: String
    /// Reads a node; what is wrong is reported to the check, and the result is nil.
    let read: (_ node: Node, _ path: String, _ check: inout Check) -> Value?
    /// The value on one line of YAML.
    let text: (Value) -> String
    /// The keys inside, for values that are sections.
    var inner: InnerKeys?
    /// Differences below the key, for values that have keys or elements of their own.
    var differences: ((_ old: Value, _ new: Value, _ path: String, ConfigurationChange.Effect) -> [ConfigurationChange])?
    /// The new value, with the old one kept in what needs a restart; for values that have keys or elements of their own.
    var merging: ((_ old: Value, _ new: Value, ConfigurationChange.Effect) -> Value)?

    /// What differs between two values of the key at `path`.
    func changes(_ old: Value, _ new: Value, _ path: String, _ effect: ConfigurationChange.Effect) -> [ConfigurationChange] {
        if old == new { return [] }
        if let differences { return differences(old, new, path, effect) }
        return [ConfigurationChange(key: path, effect: effect, before: text(old), after: text(new))]
    }

    /// What is in force after a reload.
    func merged(_ old: Value, _ new: Value, _ effect: ConfigurationChange.Effect) -> Value {
        if let merging { return merging(old, new, effect) }
        return effect == .restart ? old : new
    }
}

extension ValueType {
    /// A value that is one word or number; `parse` is nil for what is not one.
    static func scalar(_ name: String, expected: String, text: @escaping (Value) -> String,
                       parse: @escaping (String) -> Value?) -> ValueType {
        ValueType(name: name, read: { node, path, check in
            guard let word = node.word else {
                check.report(path, "expected \(expected), found \(node.kind)", at: node.position)
                return nil
            }
            guard let value = parse(word) else {
                check.report(path, "expected \(expected), found '\(word)'", at: node.position)
                return nil
            }
            return value
        }, text: text)
    }

    /// A value read from a word, with a mistake of its own for each way to be wrong.
    static func word(_ name: String, text: @escaping (Value) -> String,
                     read: @escaping (_ word: String) -> Result<Value, Expectation>) -> ValueType {
        ValueType(name: name, read: { node, path, check in
            guard let word = node.word else {
                check.report(path, "expected \(article(name)) \(name), found \(node.kind)", at: node.position)
                return nil
            }
            switch read(word) {
            case .success(let value): return value
            case .failure(let expectation):
                check.report(path, "\(expectation.text), found '\(word)'", at: node.position)
                return nil
            }
        }, text: text)
    }
}

/// What was expected of a word.
struct Expectation: Error {
    let text: String
    init(_ text: String) { self.text = text }
}

/// `a` or `an`, as `name` needs it.
func article(_ name: String) -> String { name.first.map("aeio".contains) == true ? "an" : "a" }

extension Node {
    /// The text of a scalar that is there; nil for sections, lists and nothing.
    var word: String? {
        guard let scalar, !isNothing else { return nil }
        return scalar.string
    }

    /// Whether this is the value of a key without one: `key:` or `key: null`.
    var isNothing: Bool {
        guard let scalar, scalar.style == .plain || scalar.style == .any else { return false }
        return ["", "~", "null"].contains(scalar.string)
    }

    /// What this is, in the words of a mistake.
    var kind: String {
        switch self {
        case .scalar(let scalar): isNothing ? "nothing" : "'\(scalar.string)'"
        case .mapping: "a section"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }
}

/// Text that a YAML reader takes for the same text, quoted where it must be.
func yamlText(_ text: String) -> String {
    let isPlain = !text.isEmpty && text.first != "-" && text.allSatisfy {
        $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+@=<>".contains($0))
    }
    let isWord = !["true", "false", "null", "yes", "no", "on", "off"].contains(text.lowercased())
    if isPlain, isWord, Double(text) == nil { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": quoted += "\\\(scalar)"
        case "\n": quoted += "\\n"
        case "\t": quoted += "\\t"
        case "\0"..<" ", "\u{7f}":
            let digits = String(scalar.value, radix: 16)
            quoted += "\\x" + (digits.count < 2 ? "0" : "") + digits
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}

import Yams

/// One key of a section: its name, type, default, meaning and effect, and where its value goes.
///
/// The checker, the typed configuration, the reference page, the example file and the difference of
/// two configurations all come from lists of these.
struct Key<Section> {
    let name: String
    let typeName: String
    /// One sentence or two for operators.
    let meaning: String
    let effect: ConfigurationChange.Effect
    /// The RFC section or table that the default comes from.
    let reference: String?
    let isRequired: Bool
    /// What the example file shows instead of the commented default; may be several lines of YAML.
    let example: String?
    let inner: InnerKeys?
    /// The default, written as in the file; nil where there is none.
    let defaultText: (Section) -> String?
    let read: (_ node: Node, _ path: String, _ section: inout Section, _ check: inout Check) -> Void
    let changes: (_ old: Section, _ new: Section, _ path: String) -> [ConfigurationChange]
    /// Takes the old value over where a new one needs a restart.
    let merge: (_ old: Section, _ new: inout Section) -> Void
}

/// The keys inside a value, for the documentation.
struct InnerKeys {
    /// What stands between the key's name and the inner ones: `[]`, `.NAME` or nothing.
    var suffix = ""
    var introduction = ""
    let keys: [KeyDescription]
}

/// What the documentation tells of a key.
struct KeyDescription {
    let name: String
    let typeName: String
    let meaning: String
    let effect: ConfigurationChange.Effect
    let reference: String?
    let isRequired: Bool
    let example: String?
    let defaultText: String?
    let inner: InnerKeys?
}

extension Key {
    /// A key with a default.
    static func value<Value>(_ name: String, _ path: WritableKeyPath<Section, Value>, _ type: ValueType<Value>,
                             _ meaning: String, effect: ConfigurationChange.Effect = .live, reference: String? = nil,
                             example: String? = nil) -> Key {
        make(name, path, type, meaning, effect, reference, example, isRequired: false) { type.text($0[keyPath: path]) }
    }

    /// A key that must be there.
    static func required<Value>(_ name: String, _ path: WritableKeyPath<Section, Value>, _ type: ValueType<Value>,
                                _ meaning: String, effect: ConfigurationChange.Effect = .live, reference: String? = nil,
                                example: String? = nil) -> Key {
        make(name, path, type, meaning, effect, reference, example, isRequired: true) { _ in nil }
    }

    /// A key that may be absent; `otherwise` says in words what holds then, where its meaning does not.
    static func optional<Value>(_ name: String, _ path: WritableKeyPath<Section, Value?>, _ type: ValueType<Value>,
                                otherwise: String? = nil, _ meaning: String, effect: ConfigurationChange.Effect = .live,
                                reference: String? = nil, example: String? = nil) -> Key {
        Key(name: name, typeName: type.name, meaning: meaning + (otherwise.map { " Without it: \($0)." } ?? ""), effect: effect,
            reference: reference, isRequired: false, example: example, inner: type.inner, defaultText: { _ in nil },
            read: { node, keyPath, section, check in
                if let value = type.read(node, keyPath, &check) { section[keyPath: path] = value }
            },
            changes: { old, new, keyPath in
                let (old, new) = (old[keyPath: path], new[keyPath: path])
                if let old, let new { return type.changes(old, new, keyPath, effect) }
                if old == nil, new == nil { return [] }
                return [ConfigurationChange(key: keyPath, effect: effect, before: old.map(type.text), after: new.map(type.text))]
            },
            merge: { old, section in
                if let old = old[keyPath: path], let new = section[keyPath: path] {
                    section[keyPath: path] = type.merged(old, new, effect)
                } else if effect == .restart {
                    section[keyPath: path] = old[keyPath: path]
                }
            })
    }

    /// A section of keys; keys that are not there keep their defaults.
    static func section<Inner>(_ name: String, _ path: WritableKeyPath<Section, Inner>, _ keys: [Key<Inner>],
                               default inner: Inner, _ meaning: String) -> Key {
        Key(name: name, typeName: "section", meaning: meaning, effect: .live, reference: nil, isRequired: false, example: nil,
            inner: InnerKeys(introduction: meaning, keys: keys.map { $0.description(in: inner) }),
            defaultText: { _ in nil },
            read: { node, keyPath, section, check in keys.read(node, keyPath, &section[keyPath: path], &check) },
            changes: { old, new, keyPath in keys.changes(old[keyPath: path], new[keyPath: path], keyPath) },
            merge: { old, section in keys.merge(old[keyPath: path], into: &section[keyPath: path]) })
    }

    private static func make<Value>(_ name: String, _ path: WritableKeyPath<Section, Value>, _ type: ValueType<Value>,
                                    _ meaning: String, _ effect: ConfigurationChange.Effect, _ reference: String?,
                                    _ example: String?, isRequired: Bool,
                                    _ defaultText: @escaping (Section) -> String?) -> Key {
        Key(name: name, typeName: type.name, meaning: meaning, effect: effect, reference: reference, isRequired: isRequired,
            example: example, inner: type.inner, defaultText: defaultText,
            read: { node, keyPath, section, check in
                if let value = type.read(node, keyPath, &check) { section[keyPath: path] = value }
            },
            changes: { old, new, keyPath in type.changes(old[keyPath: path], new[keyPath: path], keyPath, effect) },
            merge: { old, section in section[keyPath: path] = type.merged(old[keyPath: path], section[keyPath: path], effect) })
    }

    /// What the documentation tells of this key, with the default that `section` has.
    func description(in section: Section) -> KeyDescription {
        KeyDescription(name: name, typeName: typeName, meaning: meaning, effect: effect, reference: reference,
                       isRequired: isRequired, example: example, defaultText: defaultText(section), inner: inner)
    }
}

extension Array {
    /// Reads a section: every key that is there, mistakes for unknown and for missing ones.
    func read<Section>(_ node: Node, _ path: String, _ section: inout Section, _ check: inout Check) where Element == Key<Section> {
        if !node.isNothing, node.mapping == nil {
            check.report(path, "expected a section of keys, found \(node.kind)", at: node.position)
            return
        }
        var missing = filter(\.isRequired).map(\.name)
        if let pairs = node.mapping {
            for (keyNode, valueNode) in pairs where !YAMLSource.isMasked(keyNode) {
                guard let name = keyNode.scalar?.string else {
                    check.report(path, "expected the name of a key, found \(keyNode.kind)", at: keyNode.position)
                    continue
                }
                guard let key = first(where: { $0.name == name }) else {
                    check.report(subkey(of: path, name), unknown(name), at: keyNode.position)
                    continue
                }
                missing.removeAll { $0 == name }
                check.note(subkey(of: path, name), key: keyNode.position, value: valueNode.position)
                key.read(valueNode, subkey(of: path, name), &section, &check)
            }
        }
        for name in missing {
            let type = first { $0.name == name }?.typeName ?? "value"
            check.report(path, "the key '\(name)' is missing (\(type))", at: node.position)
        }
    }

    private func unknown<Section>(_ name: String) -> String where Element == Key<Section> {
        let names = map(\.name)
        if let nearest = NearestKey.find(name, among: names) { return "unknown key; did you mean '\(nearest)'?" }
        return "unknown key; expected one of \(names.joined(separator: ", "))"
    }

    /// What differs between two sections.
    func changes<Section>(_ old: Section, _ new: Section, _ path: String) -> [ConfigurationChange] where Element == Key<Section> {
        flatMap { $0.changes(old, new, subkey(of: path, $0.name)) }
    }

    /// Keeps in `new` what was in `old` where a change needs a restart.
    func merge<Section>(_ old: Section, into new: inout Section) where Element == Key<Section> {
        for key in self { key.merge(old, &new) }
    }
}

extension ValueType {
    /// A section of `keys` whose absent keys are as in `initial`; `verify` reports what does not fit together.
    static func section(_ name: String, _ introduction: String, _ keys: [Key<Value>], initial: Value, text: @escaping (Value) -> String,
                        verify: @escaping (inout Value, _ path: String, inout Check) -> Void = { _, _, _ in }) -> ValueType {
        var type = ValueType(name: name, read: { node, path, check in
            var value = initial
            let mistakes = check.mistakes.count
            keys.read(node, path, &value, &check)
            verify(&value, path, &check)
            return check.mistakes.count == mistakes ? value : nil
        }, text: text)
        type.inner = InnerKeys(introduction: introduction, keys: keys.map { $0.description(in: initial) })
        type.differences = { old, new, path, _ in keys.changes(old, new, path) }
        type.merging = { old, new, _ in
            var merged = new
            keys.merge(old, into: &merged)
            return merged
        }
        return type
    }
}

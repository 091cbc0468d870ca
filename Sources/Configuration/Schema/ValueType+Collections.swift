import Yams

extension ValueType {
    /// A list of `element`; a single element may stand for a list of one.
    static func list<Element>(of element: ValueType<Element>, count: ClosedRange<Int> = 0...1_000_000) -> ValueType<[Element]> {
        var type = ValueType<[Element]>(name: "list of \(plural(element.name))", read: { node, path, check in
            if node.isNothing, count.contains(0) { return [] }
            // One word is a list of one: nobody should have to remember the brackets.
            guard let nodes = node.sequence.map(Array.init) ?? (node.word == nil ? nil : [node]) else {
                check.report(path, "expected a list of \(plural(element.name)), found \(node.kind)", at: node.position)
                return nil
            }
            guard count.contains(nodes.count) else {
                let expected = count.upperBound == 1_000_000 ? "at least \(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
                check.report(path, "expected \(expected) \(plural(element.name)), found \(nodes.count)", at: node.position)
                return nil
            }
            let values = nodes.enumerated().map { index, node in
                let place = node.position
                check.note("\(path)[\(index)]", value: place)
                return element.read(node, "\(path)[\(index)]", &check)
            }
            let read = values.compactMap { $0 }
            return read.count == values.count ? read : nil
        }, text: { "[" + $0.map(element.text).joined(separator: ", ") + "]" })
        type.inner = element.inner.map { InnerKeys(suffix: "[]" + $0.suffix, introduction: $0.introduction, keys: $0.keys) }
        return type
    }

    /// A list of sections, compared by the name that each has for people.
    static func list<Element>(of element: ValueType<Element>, count: ClosedRange<Int>,
                              identifiedBy identity: @escaping (Element) -> String) -> ValueType<[Element]> {
        var type = ValueType<[Element]>.list(of: element, count: count)
        type.differences = { old, new, path, effect in
            dictionaryChanges(.init(old.map { (identity($0), $0) }, uniquingKeysWith: { first, _ in first }),
                              .init(new.map { (identity($0), $0) }, uniquingKeysWith: { first, _ in first }),
                              element, effect) { "\(path)[\($0)]" }
        }
        type.merging = { old, new, effect in
            func merged(_ value: Element, with others: [Element]) -> Element {
                let other = others.first { identity($0) == identity(value) } ?? value
                return effect == .restart ? element.merged(value, other, .live) : element.merged(other, value, .live)
            }
            // Elements come and go with the effect of the list.
            return effect == .restart ? old.map { merged($0, with: new) } : new.map { merged($0, with: old) }
        }
        return type
    }

    /// Values by name.
    static func map<Name: Hashable, Element>(from name: ValueType<Name>, to element: ValueType<Element>) -> ValueType<[Name: Element]> {
        var type = ValueType<[Name: Element]>(name: "\(plural(element.name)) by \(name.name)", read: { node, path, check in
            if node.isNothing { return [:] }
            guard let pairs = node.mapping else {
                check.report(path, "expected a section of names, found \(node.kind)", at: node.position)
                return nil
            }
            var values: [Name: Element] = [:]
            var isWhole = true
            for (keyNode, valueNode) in pairs {
                guard !YAMLSource.isMasked(keyNode) else { continue }
                let written = subkey(of: path, keyNode.scalar?.string ?? "?")
                check.note(written, key: keyNode.position, value: valueNode.position)
                guard let key = name.read(keyNode, written, &check) else { isWhole = false; continue }
                // The checks that follow know the name in its canonical form alone.
                let inner = subkey(of: path, "\(key)")
                check.note(inner, key: keyNode.position, value: valueNode.position)
                if values[key] != nil { check.reportKey(inner, "is there twice") }
                guard let value = element.read(valueNode, inner, &check) else { isWhole = false; continue }
                values[key] = value
            }
            return isWhole ? values : nil
        }, text: { values in
            let pairs = values.map { (name.text($0.key), element.text($0.value)) }.sorted { $0 < $1 }
            return "{" + pairs.map { "\($0.0): \($0.1)" }.joined(separator: ", ") + "}"
        })
        type.inner = element.inner.map { InnerKeys(suffix: ".NAME" + $0.suffix, introduction: $0.introduction, keys: $0.keys) }
        type.differences = { old, new, path, effect in
            dictionaryChanges(.init(uniqueKeysWithValues: old.map { (name.text($0.key), $0.value) }),
                              .init(uniqueKeysWithValues: new.map { (name.text($0.key), $0.value) }),
                              element, effect) { subkey(of: path, $0) }
        }
        return type
    }

    /// A value of `type`, or `word` for none.
    static func either<Wrapped>(_ word: String, or type: ValueType<Wrapped>) -> ValueType where Value == Wrapped? {
        ValueType(name: "\(type.name) or \(word)", read: { node, path, check in
            if node.word == word { return .some(nil) }
            return type.read(node, path, &check).map(Optional.some)
        }, text: { $0.map(type.text) ?? word })
    }
}

/// What differs between two dictionaries; `path` names an element.
private func dictionaryChanges<Element>(_ old: [String: Element], _ new: [String: Element], _ type: ValueType<Element>,
                                        _ effect: ConfigurationChange.Effect, _ path: (String) -> String) -> [ConfigurationChange] {
    Set(old.keys).union(new.keys).sorted().flatMap { name -> [ConfigurationChange] in
        if let old = old[name], let new = new[name] { return type.changes(old, new, path(name), effect) }
        return [ConfigurationChange(key: path(name), effect: effect, before: old[name].map(type.text),
                                    after: new[name].map(type.text))]
    }
}

/// The path of `name` in the section at `path`.
func subkey(of path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

/// `addresses or local parts` of `address or local part`.
private func plural(_ name: String) -> String {
    if name.hasPrefix("list of ") { return "lists" + name.dropFirst(4) }
    let alternatives = name.split(separator: " or ").map { alternative in
        alternative.split(separator: ", ").map { $0.hasSuffix("s") ? "\($0)es" : "\($0)s" }.joined(separator: ", ")
    }
    return alternatives.joined(separator: " or ")
}

extension BatonConfiguration {
    /// The text of `examples/baton.yaml`, from the same schema that checks the file.
    public static var exampleFile: String {
        var file = ExampleFile()
        file.comment("Baton's configuration: every key with its meaning and its default.", indentation: 0)
        file.comment("Check it with `baton check FILE`; docs/CONFIGURATION.md has the same as a page.", indentation: 0)
        for key in keys { file.write(key.description(in: BatonConfiguration()), indentation: 0) }
        return file.text
    }
}

/// Writes keys with comments, defaults commented out.
private struct ExampleFile {
    var text = ""
    private static let maxColumns = 110

    mutating func write(_ key: KeyDescription, indentation: Int) {
        let margin = String(repeating: " ", count: indentation)
        text += "\n"
        comment(key.meaning, indentation: indentation)
        comment(facts(key), indentation: indentation)
        if key.typeName == "section", let inner = key.inner {
            text += "\(margin)\(key.name):\n"
            for nested in inner.keys { write(nested, indentation: indentation + 2) }
            return
        }
        if let inner = key.inner { list(inner.keys, indentation: indentation) }
        guard let example = key.example else {
            text += "\(margin)# \(key.name): \(key.defaultText ?? "")".trimmingSpaces + "\n"
            return
        }
        let lines = example.split(separator: "\n")
        if lines.count == 1, !example.hasPrefix("#") {
            text += "\(margin)\(key.name): \(example)\n"
        } else {
            text += "\(margin)\(key.name):\n"
            for line in lines { text += "\(margin)  \(line)\n" }
        }
    }

    /// The keys of an element, as comments: which of them an element has is the operator's choice.
    private mutating func list(_ keys: [KeyDescription], indentation: Int) {
        comment("Keys of each:", indentation: indentation)
        for key in keys {
            comment("\(key.name): \(key.meaning) \(facts(key))", indentation: indentation, hanging: 4)
        }
    }

    private func facts(_ key: KeyDescription) -> String {
        if key.typeName == "section" { return "" }
        var facts = [key.typeName]
        if key.isRequired { facts.append("required") }
        if let value = key.defaultText { facts.append("default \(value)") }
        if key.effect == .restart { facts.append("a change needs a restart") }
        if let reference = key.reference { facts.append(reference) }
        return "(" + facts.joined(separator: "; ") + ")"
    }

    /// Writes `words` as comment lines that fit on a screen.
    mutating func comment(_ words: String, indentation: Int, hanging: Int = 0) {
        let margin = String(repeating: " ", count: indentation) + "#"
        var line = margin + (hanging > 0 ? " -" : "")
        for word in words.split(separator: " ") {
            if line.count + word.count + 1 > ExampleFile.maxColumns {
                text += line + "\n"
                line = margin + String(repeating: " ", count: hanging / 2)
            }
            line += " " + word
        }
        if line != margin { text += line + "\n" }
    }
}

extension String {
    /// The text without spaces at its end.
    fileprivate var trimmingSpaces: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}

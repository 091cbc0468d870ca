import Yams

/// The text of a file as a tree, with every mistake of its syntax that can be told.
enum YAMLSource {
    /// What keys that are there twice are overwritten with, so that the rest of the file can still be read.
    private static let masks: ClosedRange<UInt32> = 0xf0000...0xffffd

    /// Reads `text`; nil when there is no tree to go on with.
    static func compose(_ text: String, _ check: inout Check) -> Node? {
        var text = text
        var masked = 0
        // Each round takes one set of doubles away; a file has no more than it has lines.
        for _ in 0...text.utf8.count {
            do {
                return try Parser(yaml: text).singleRoot() ?? Node([(Node, Node)]())
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                guard let rest = mask(names, in: text, from: Position(context.mark), &masked, &check) else { return nil }
                text = rest
            } catch {
                report(error, &check)
                return nil
            }
        }
        return nil
    }

    /// Whether `key` is there twice, which was reported.
    static func isMasked(_ key: Node) -> Bool {
        key.scalar?.string.unicodeScalars.first.map { masks.contains($0.value) } ?? false
    }

    private static func report(_ error: any Error, _ check: inout Check) {
        switch error {
        case YamlError.scanner(let context, let problem, let mark, _), YamlError.parser(let context, let problem, let mark, _),
             YamlError.composer(let context, let problem, let mark, _):
            let place = context.map { " (\($0.text), which began at line \($0.mark.line))" } ?? ""
            check.report("", "not YAML: \(problem)\(place)", at: Position(mark))
        case YamlError.reader(let problem, _, _, _):
            check.report("", "not YAML: \(problem)", at: nil)
        default:
            check.report("", "not YAML: \(error)", at: nil)
        }
    }

    /// Reports and masks every later appearance of `names` in the block that has the first one at `mark`.
    ///
    /// The parser refuses a section with doubles and tells no more than the first key's place; in block
    /// style, all keys of a section begin in the same column.
    private static func mask(_ names: [String], in text: String, from mark: Position, _ masked: inout Int,
                             _ check: inout Check) -> String? {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.unicodeScalars) }
        let column = mark.column - 1
        var seen: Set<String> = []
        let maskedBefore = masked
        for line in lines.indices.dropFirst(mark.line - 1) {
            let indentation = lines[line].prefix { $0 == " " }.count
            let isEmpty = indentation == lines[line].count || lines[line][indentation] == "#"
            // The first line may begin with the dash of a list; a lesser indentation ends the section.
            if line >= mark.line, !isEmpty, indentation < column { break }
            guard let key = key(of: lines[line], at: column), names.contains(key.name), line < mark.line || indentation == column,
                  !seen.insert(key.name).inserted else { continue }
            check.report(key.name, "the key is there twice", at: Position(line: line + 1, column: column + 1))
            // Every mask is another one, or they would be doubles themselves.
            guard let mask = Unicode.Scalar(masks.lowerBound + UInt32(masked % masks.count)) else { break }
            for index in key.range { lines[line][index] = mask }
            masked += 1
        }
        guard masked > maskedBefore else {
            check.report(names.sorted().joined(separator: ", "), "the key is there twice", at: mark)
            return nil
        }
        return lines.map { line in
            var text = String.UnicodeScalarView()
            text.append(contentsOf: line)
            return String(text)
        }.joined(separator: "\n")
    }

    /// The key that stands at `column`, without quotes, and where.
    private static func key(of line: [Unicode.Scalar], at column: Int) -> (name: String, range: Range<Int>)? {
        guard column < line.count else { return nil }
        let quote: Unicode.Scalar? = line[column] == "\"" || line[column] == "'" ? line[column] : nil
        let start = quote == nil ? column : column + 1
        guard let end = line[start...].firstIndex(of: quote ?? ":"), end > start else { return nil }
        var name = String.UnicodeScalarView()
        name.append(contentsOf: line[start..<end])
        return (String(name), start..<end)
    }
}

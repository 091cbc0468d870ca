import Events

/// One line of a selftest.
struct SelftestLine: Equatable {
    /// What came of a probe.
    enum Outcome: String {
        /// What must happen happened.
        case ok
        /// It did not.
        case finding
        /// The probe has no meaning here.
        case skipped
    }

    /// The row of the checklist in HOSTILE.md, or nothing.
    var row: String
    /// What was tried.
    var name: String
    var outcome: Outcome
    /// What was seen.
    var detail: String
}

/// All lines of a selftest, as text and as JSON.
struct SelftestReport {
    var lines: [SelftestLine] = []
    /// What the rows are about.
    var titles: [String: String] = [:]
    /// What the reader must know to judge the lines.
    var note: String?

    /// Whether something must be put right.
    var hasFindings: Bool { lines.contains { $0.outcome == .finding } }

    /// A table for people: a line a row, and below it what is not as it should be.
    var table: String {
        var text = ""
        let width = titles.values.map(\.count).max() ?? 0
        for row in rows {
            let group = lines.filter { $0.row == row }
            let title = (titles[row] ?? (row.isEmpty ? "The server" : "Row \(row)")).padded(to: width)
            text += "\(SelftestReport.column(row))  \(title)  \(SelftestReport.summary(group))\n"
            let reasons = Set(group.filter { $0.outcome == .skipped }.map(\.detail))
            for line in group where line.outcome == .finding { text += "      \(printable(line.name)): \(printable(line.detail))\n" }
            for reason in reasons.sorted() { text += "      skipped: \(printable(reason))\n" }
        }
        return text + ending
    }

    /// A table of every probe and what was seen.
    var details: String {
        var text = ""
        let width = lines.map { printable($0.name).count }.max() ?? 0
        for line in lines {
            let name = printable(line.name).padded(to: width)
            text += "\(SelftestReport.column(line.row))  \(name)  \(line.outcome.rawValue.padded(to: 7))  \(printable(line.detail))\n"
        }
        return text + ending
    }

    private var ending: String {
        let findings = lines.count { $0.outcome == .finding }, skipped = lines.count { $0.outcome == .skipped }
        let numbers = "\(lines.count) probes: \(lines.count - findings - skipped) as they should be, \(skipped) skipped, "
            + (findings == 1 ? "1 finding" : "\(findings) findings")
        return (note.map { "\n" + printable($0, keepsLines: true) + "\n\n" } ?? "") + numbers + "\n"
    }

    /// The rows in the order of the checklist, then what has no number.
    private var rows: [String] {
        var seen: Set<String> = []
        let found = lines.map(\.row).filter { seen.insert($0).inserted }
        return found.filter { Int($0) != nil }.sorted { (Int($0) ?? 0) < (Int($1) ?? 0) } + found.filter { Int($0) == nil }
    }

    private static func column(_ row: String) -> String { String(repeating: " ", count: max(0, 5 - row.count)) + row }

    private static func summary(_ group: [SelftestLine]) -> String {
        let ok = group.count { $0.outcome == .ok }, findings = group.count { $0.outcome == .finding }
        if findings > 0 { return "\(findings) of \(group.count) FOUND" }
        return ok == 0 ? "skipped" : ok == group.count ? (ok == 1 ? "ok" : "\(ok) ok") : "\(ok) ok, \(group.count - ok) skipped"
    }

    /// One JSON object a line.
    var json: String {
        lines.map { line in
            String(decoding: JSONLine.object([
                EventField("row", .text(line.row)), EventField("probe", .text(line.name)), EventField("outcome", .text(line.outcome.rawValue)),
                EventField("detail", .text(line.detail)),
            ]), as: UTF8.self) + "\n"
        }.joined()
    }

    /// What a server said, without what a terminal would obey.
    private func printable(_ text: String, keepsLines: Bool = false) -> String {
        String(text.unicodeScalars.map { scalar in
            if keepsLines, scalar == "\n" { return "\n" }
            return scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value) ? "?" : Character(scalar)
        })
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

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

    /// Whether something must be put right.
    var hasFindings: Bool { lines.contains { $0.outcome == .finding } }

    /// A table for people.
    var table: String {
        let width = lines.map(\.name.count).max() ?? 0
        var text = ""
        for line in lines {
            let name = line.name + String(repeating: " ", count: width - line.name.count)
            let row = String(repeating: " ", count: max(0, 3 - line.row.count)) + line.row
            text += "\(row)  \(name)  \(line.outcome.rawValue.padded(to: 7))  \(printable(line.detail))\n"
        }
        let findings = lines.count { $0.outcome == .finding }
        return text + "\(lines.count) probes, \(findings) findings, \(lines.count { $0.outcome == .skipped }) skipped\n"
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
    private func printable(_ text: String) -> String {
        String(text.unicodeScalars.map { $0.value < 0x20 || (0x7f..<0xa0).contains($0.value) ? "?" : Character($0) })
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

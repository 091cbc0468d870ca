import Control

/// Rows of text in aligned columns, for people; what comes from outside is made safe for the terminal.
struct Table {
    /// Where the text of a column stands.
    enum Alignment {
        case left
        case right
    }

    private let titles: [String]
    private let alignments: [Alignment]
    private var rows: [[String]] = []

    /// A table with these columns; titles that begin with `>` head numbers.
    init(_ titles: [String]) {
        self.titles = titles.map { $0.hasPrefix(">") ? String($0.dropFirst()) : $0 }
        alignments = titles.map { $0.hasPrefix(">") ? .right : .left }
    }

    /// Adds a row with a text for each column.
    mutating func add(_ row: [String]) { rows.append(row.map { TerminalText.safe($0) }) }

    /// The lines of the table, titles first.
    var lines: [String] {
        var widths = titles.map(\.count)
        for row in rows { for (column, text) in row.enumerated() where column < widths.count { widths[column] = max(widths[column], text.count) } }
        return ([titles] + rows).map { row in
            var line = ""
            for (column, text) in row.enumerated() where column < widths.count {
                let gap = String(repeating: " ", count: max(0, widths[column] - text.count))
                let isLast = column == row.count - 1
                line += (column == 0 ? "" : "  ")
                line += alignments[column] == .right ? gap + text : isLast ? text : text + gap
            }
            return line
        }
    }
}

/// Numbers as people read them.
enum Readable {
    /// `3m`, `2h10m`, `4d3h`.
    static func duration(seconds: Int64) -> String {
        let seconds = max(0, seconds)
        switch seconds {
        case ..<60: return "\(seconds)s"
        case ..<3600: return "\(seconds / 60)m"
        case ..<86400:
            let minutes = seconds % 3600 / 60
            return "\(seconds / 3600)h" + (minutes == 0 ? "" : "\(minutes)m")
        default:
            let hours = seconds % 86400 / 3600
            return "\(seconds / 86400)d" + (hours == 0 ? "" : "\(hours)h")
        }
    }

    /// `512`, `1.5K`, `20M`.
    static func octets(_ count: UInt64) -> String {
        var value = Double(count)
        for unit in ["", "K", "M", "G"] {
            if value < 1000 { return unit.isEmpty || value >= 100 ? "\(Int(value.rounded()))\(unit)" : "\((value * 10).rounded() / 10)\(unit)" }
            value /= 1024
        }
        return "\((value * 10).rounded() / 10)T"
    }

    /// `1 message`, `2 messages`.
    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}

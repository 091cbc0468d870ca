import Ports

extension DateTime {
    /// Parses a date of a header (RFC 5322 §3.3), obsolete forms, comments and alphabetic zones included (§4.3); nil for anything else.
    ///
    /// The day of the week is not checked against the date; a zone that is absent or unknown counts as UTC (§4.3).
    public init?(parsing text: some StringProtocol) {
        // Enough for every date with a comment or two.
        var scanner = TokenScanner(Array(text.utf8.prefix(512)))
        if let next = scanner.peek(), !next.isDigit {
            guard scanner.token() != nil else { return nil }
            _ = scanner.take(0x2c)
        }
        guard let day = scanner.number(digits: 1...2), let month = scanner.month(), let year = scanner.year(),
              (1...CivilTime.length(ofMonth: month, year: year)).contains(day),
              let hour = scanner.number(digits: 1...2), hour < 24, scanner.take(0x3a),
              let minute = scanner.number(digits: 1...2), minute < 60 else { return nil }
        var second = 0
        if scanner.take(0x3a) {
            // 60 is a leap second; it falls together with the second after it.
            guard let value = scanner.number(digits: 1...2), value <= 60 else { return nil }
            second = value
        }
        guard let offset = scanner.zone() else { return nil }
        let days = CivilTime.days(year: year, month: month, day: day)
        let seconds = Int64(days) * 86400 + Int64(hour * 3600 + minute * 60 + second - offset * 60)
        self.init(Timestamp(seconds: seconds), offsetMinutes: offset)
    }
}

extension TokenScanner {
    /// Takes a number with as many digits as `digits` allows.
    fileprivate mutating func number(digits: ClosedRange<Int>) -> Int? {
        skipBlanks()
        guard let text = word(where: \.isDigit), digits.contains(text.utf8.count) else { return nil }
        return Int(text)
    }

    fileprivate mutating func month() -> Int? {
        skipBlanks()
        // 2-Jul-94 was written too.
        _ = take(0x2d)
        guard let name = word(where: { $0.asciiLowercased &- 0x61 < 26 })?.lowercased(), name.utf8.count >= 3 else { return nil }
        _ = take(0x2d)
        let index = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"].firstIndex { name.hasPrefix($0) }
        return index.map { $0 + 1 }
    }

    /// A year of four digits, or an obsolete one of two or three (RFC 5322 §4.3).
    fileprivate mutating func year() -> Int? {
        skipBlanks()
        guard let text = word(where: \.isDigit), (2...4).contains(text.utf8.count), let year = Int(text) else { return nil }
        switch text.utf8.count {
        case 2: return year < 50 ? 2000 + year : 1900 + year
        case 3: return 1900 + year
        default: return year
        }
    }

    /// Minutes east of UTC.
    fileprivate mutating func zone() -> Int? {
        guard let next = peek() else { return 0 }
        if next == 0x2b || next == 0x2d {
            _ = take(next)
            guard let digits = number(digits: 4...4), digits % 100 < 60 else { return nil }
            let minutes = digits / 100 * 60 + digits % 100
            return next == 0x2d ? -minutes : minutes
        }
        guard let name = token() else { return nil }
        return DateTime.zoneHours[name.uppercased()].map { Int($0 * 60) } ?? 0
    }
}

extension DateTime {
    /// Hours east of UTC of the zones of RFC 5322 §4.3 and of others often seen.
    fileprivate static let zoneHours: [String: Double] = [
        "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AST": -4, "NST": -3.5,
        "BST": 1, "MET": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "JST": 9,
    ]
}

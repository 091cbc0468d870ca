extension Capabilities {
    /// The lines of the EHLO reply after the first, which names the server (RFC 5321 §4.1.1.1).
    public var keywordLines: [String] {
        var lines: [String] = []
        if pipelining { lines.append("PIPELINING") }
        switch size {
        case .absent: break
        case .unlimited: lines.append("SIZE")
        case .octets(let limit): lines.append("SIZE \(limit)")
        }
        if startTLS { lines.append("STARTTLS") }
        if !authentication.isEmpty { lines.append("AUTH " + authentication.joined(separator: " ")) }
        if enhancedStatusCodes { lines.append("ENHANCEDSTATUSCODES") }
        if eightBitMIME { lines.append("8BITMIME") }
        if dsn { lines.append("DSN") }
        if smtpUTF8 { lines.append("SMTPUTF8") }
        if chunking { lines.append("CHUNKING") }
        if binaryMIME { lines.append("BINARYMIME") }
        if requireTLS { lines.append("REQUIRETLS") }
        if let limits, !limits.words.isEmpty { lines.append("LIMITS " + limits.words.joined(separator: " ")) }
        if !xclient.isEmpty { lines.append("XCLIENT " + xclient.joined(separator: " ")) }
        if !xforward.isEmpty { lines.append("XFORWARD " + xforward.joined(separator: " ")) }
        return lines
    }

    /// Reads the lines of an EHLO reply after the first; unknown keywords and broken values are passed over.
    public init(keywordLines lines: some Sequence<String>) {
        self.init()
        for line in lines { read(line) }
    }

    private mutating func read(_ line: String) {
        // `AUTH=PLAIN` is how servers before RFC 2554 wrote it; some still send both.
        let words = line.utf8.split { $0 == 0x20 || $0 == 0x09 }
        guard let keyword = words.first else { return }
        let values = words.dropFirst().map { String(decoding: $0, as: UTF8.self).uppercased() }
        if keyword.equalsKeyword("PIPELINING") { pipelining = true }
        else if keyword.equalsKeyword("SIZE") { readSize(words.dropFirst().first) }
        else if keyword.equalsKeyword("8BITMIME") { eightBitMIME = true }
        else if keyword.equalsKeyword("BINARYMIME") { binaryMIME = true }
        else if keyword.equalsKeyword("CHUNKING") { chunking = true }
        else if keyword.equalsKeyword("SMTPUTF8") { smtpUTF8 = true }
        else if keyword.equalsKeyword("DSN") { dsn = true }
        else if keyword.equalsKeyword("ENHANCEDSTATUSCODES") { enhancedStatusCodes = true }
        else if keyword.equalsKeyword("STARTTLS") { startTLS = true }
        else if keyword.equalsKeyword("REQUIRETLS") { requireTLS = true }
        else if keyword.equalsKeyword("LIMITS") { limits = Limits(values) }
        else if keyword.equalsKeyword("AUTH") { authentication = values }
        else if keyword.equalsKeyword("XCLIENT") { xclient = values }
        else if keyword.equalsKeyword("XFORWARD") { xforward = values }
    }

    private mutating func readSize(_ value: Substring.UTF8View.SubSequence?) {
        guard let value else { size = .unlimited; return }
        // A number beyond 64 bits is no limit that a message could meet.
        guard let limit = Decimal.parse(value), limit > 0 else { size = .unlimited; return }
        size = .octets(limit)
    }
}

extension Capabilities.Limits {
    /// `NAME=VALUE` for each limit that is set.
    var words: [String] {
        var words: [String] = []
        if let transactionsPerSession { words.append("MAILMAX=\(transactionsPerSession)") }
        if let recipientsPerTransaction { words.append("RCPTMAX=\(recipientsPerTransaction)") }
        if let domainsPerTransaction { words.append("RCPTDOMAINMAX=\(domainsPerTransaction)") }
        return words
    }

    /// Reads `NAME=VALUE` words; limits that are unknown, zero or not one to six digits are passed over (RFC 9422 §3).
    init(_ words: [String]) {
        self.init()
        for word in words {
            let parts = word.utf8.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = parts.first, let digits = parts.last, digits.count <= 6,
                  let value = Decimal.parse(digits), value > 0 else { continue }
            if name.equalsKeyword("RCPTMAX") { recipientsPerTransaction = value }
            else if name.equalsKeyword("MAILMAX") { transactionsPerSession = value }
            else if name.equalsKeyword("RCPTDOMAINMAX") { domainsPerTransaction = value }
        }
    }
}

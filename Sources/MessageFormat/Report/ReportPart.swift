/// One part of a multipart/report.
struct ReportPart {
    let type: String
    let description: String
    let content: [UInt8]
    /// The transfer encoding where it is not 7bit or 8bit.
    let encoding: String?

    var isEightBit: Bool { content.contains { $0 >= 0x80 } }

    /// Appends header and content; the content ends in a line end of its own.
    func append(to bytes: inout [UInt8]) {
        HeaderField("Content-Description", structured: description).append(to: &bytes)
        HeaderField(.contentType, structured: type).append(to: &bytes)
        HeaderField("Content-Transfer-Encoding", structured: encoding ?? (isEightBit ? "8bit" : "7bit")).append(to: &bytes)
        bytes.append(contentsOf: [0x0d, 0x0a])
        bytes.append(contentsOf: content)
        if content.last != 0x0a { bytes.append(contentsOf: [0x0d, 0x0a]) }
    }

    /// Whether a line of the content starts like the delimiter of `boundary` (RFC 2046 §5.1.1).
    func holds(delimiter boundary: String) -> Bool {
        let delimiter = [0x2d, 0x2d] + Array(boundary.utf8)
        let bytes = content.span
        var index = 0
        while index < bytes.count {
            var matched = 0
            while matched < delimiter.count, index + matched < bytes.count, bytes[index + matched] == delimiter[matched] { matched += 1 }
            if matched == delimiter.count { return true }
            guard let newline = bytes.firstNewline(from: index) else { return false }
            index = newline + 1
        }
        return false
    }
}

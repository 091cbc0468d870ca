@testable import SMTP

/// What follows DATA: the end is CRLF.CRLF and nothing else, at every split, and encoding gives back what was meant.
let dataTarget = FuzzTarget(
    name: "data", maxLength: 2048,
    seeds: ["\u{3}Subject: x\r\n\r\nhi\r\n..x\r\n.\r\nQUIT\r\n".octets, "\u{0}\r\n.\r\n".octets, "\u{2}a\n.\nb\r.\rc\r\n.\n\r\n.\r\n".octets,
            "\u{1}.\r\n".octets, "\u{4}\r\r\n.\r\r\n.\r\n".octets],
    words: ["\r\n.\r\n", "\n.\n", "\r.\r", "\r\n..", "\r\n.\n", "\n.\r\n", "\r\n\u{0}.\r\n", "\r\r\n"]) { bytes in
    var input = FuzzInput(bytes)
    let cuts = input.take(input.number(below: 6))
    let stream = input.rest()
    let limit = 40
    let whole = decodeData(stream, cuts: [], limit: limit)
    for other in [cuts, [1], [2, 3]] {
        let split = decodeData(stream, cuts: other, limit: limit)
        check(split == whole, "a split by \(other) changes what DATA gives: \(whole) \(split)")
    }
    let model = modelOfData(stream)
    check(model.body == whole.body && model.used == whole.used, "DATA is decoded other than RFC 5321 §4.5.2 says")
    checkEncoding(of: stream, cuts: cuts)
}

private struct Decoded: Equatable {
    var body: [UInt8] = []
    var used = 0
    var isFinished = false
    var octets = 0
    var findings: ContentFindings = []
}

private func decodeData(_ stream: [UInt8], cuts: [UInt8], limit: Int) -> Decoded {
    var decoder = DataDecoder(lineOctetsMax: limit)
    var result = Decoded()
    for piece in stream.cut(by: cuts) where !decoder.isFinished {
        result.used += piece.withUnsafeBytes { decoder.decode($0, into: &result.body) }
    }
    result.isFinished = decoder.isFinished
    result.octets = decoder.octets
    result.findings = decoder.findings
    // A CR held back at the end of the input is not decided yet.
    return result
}

/// The rules of RFC 5321 §4.5.2, octet by octet.
private func modelOfData(_ stream: [UInt8]) -> (body: [UInt8], used: Int) {
    var body: [UInt8] = []
    var index = 0
    var isLineStart = true
    while index < stream.count {
        if isLineStart, stream[index] == 0x2e {
            if stream.count > index + 2, stream[index + 1] == 0x0d, stream[index + 2] == 0x0a { return (body, index + 3) }
            // At the end of the input nobody knows yet; the decoder holds the CR back.
            if stream.count == index + 2, stream[index + 1] == 0x0d { return (body, index + 2) }
            index += 1
            isLineStart = false
            continue
        }
        body.append(stream[index])
        isLineStart = stream[index] == 0x0a && index > 0 && stream[index - 1] == 0x0d
        index += 1
    }
    return (body, index)
}

/// What is encoded has one end, no bare CR or LF, and decodes to the message with its line breaks mended.
private func checkEncoding(of message: [UInt8], cuts: [UInt8]) {
    var encoder = DotEncoder()
    var wire: [UInt8] = []
    for piece in message.cut(by: cuts) { encoder.encode(piece, into: &wire) }
    encoder.finish(into: &wire)
    var body: [UInt8] = []
    var decoder = DataDecoder()
    let used = wire.withUnsafeBytes { decoder.decode($0, into: &body) }
    check(decoder.isFinished && used == wire.count, "an encoded message does not end where it ends")
    check(decoder.findings.isDisjoint(with: [.bareCR, .bareLF]), "a bare CR or LF gets out")
    check(body == mended(message), "an encoded message comes back changed")
    // A receiver for which a bare LF ends a line sees the same end.
    var lenient = 0
    var isLineStart = true
    for (index, octet) in wire.enumerated() {
        if isLineStart, octet == 0x2e {
            var after = index + 1
            if after < wire.count, wire[after] == 0x0d { after += 1 }
            if after < wire.count, wire[after] == 0x0a { lenient += 1 }
        }
        isLineStart = octet == 0x0a || octet == 0x0d && (index + 1 >= wire.count || wire[index + 1] != 0x0a)
    }
    check(lenient == 1, "a lenient receiver sees \(lenient) ends")
}

/// Every CR, LF and CRLF as CRLF, and a line break at the end of a message that is not empty.
func mended(_ message: [UInt8]) -> [UInt8] {
    var body: [UInt8] = []
    var index = 0
    while index < message.count {
        switch message[index] {
        case 0x0d:
            body += [0x0d, 0x0a]
            if index + 1 < message.count, message[index + 1] == 0x0a { index += 1 }
        case 0x0a: body += [0x0d, 0x0a]
        default: body.append(message[index])
        }
        index += 1
    }
    if !body.isEmpty, body.last != 0x0a { body += [0x0d, 0x0a] }
    return body
}

/// The chunks of BDAT: every octet is counted, however they are cut.
let chunkTarget = FuzzTarget(
    name: "chunks", maxLength: 2048,
    seeds: ["\u{1}\u{5}\u{3}abc\r\nde\r".octets, "\u{0}\u{2}\u{2}\r\n\r\r".octets]) { bytes in
    var input = FuzzInput(bytes)
    let cuts = input.take(input.number(below: 6))
    let sizes = input.take(1 + input.number(below: 8)).map { Int($0) }
    let stream = input.rest()
    let whole = decodeChunks(stream, sizes, cuts: [])
    for other in [cuts, [1], [2, 3]] {
        check(decodeChunks(stream, sizes, cuts: other) == whole, "a split by \(other) changes what BDAT gives")
    }
    let expected = min(stream.count, sizes.reduce(0, +))
    check(whole.used == expected && whole.body == Array(stream.prefix(expected)) && whole.octets == expected,
          "BDAT takes \(whole.used) octets instead of \(expected)")
    // The chunks of a message are one message: where they were cut does not show.
    if whole.used == sizes.reduce(0, +) {
        check(decodeChunks(stream, [expected], cuts: []) == whole, "the sizes of chunks change the message")
    }
}

private func decodeChunks(_ stream: [UInt8], _ sizes: [Int], cuts: [UInt8]) -> Decoded {
    var decoder = ChunkDecoder(lineOctetsMax: 40)
    var result = Decoded()
    var rest = stream[...]
    for size in sizes {
        decoder.begin(chunkOf: size)
        for piece in Array(rest.prefix(size)).cut(by: cuts) {
            result.used += piece.withUnsafeBytes { decoder.decode($0, into: &result.body) }
        }
        rest = rest.dropFirst(size)
    }
    decoder.finish()
    result.octets = decoder.octets
    result.findings = decoder.findings
    return result
}

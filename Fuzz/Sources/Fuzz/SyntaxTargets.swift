import MessageFormat
import Ports
@testable import SMTP

/// Command lines: whatever is taken holds no control character, and what is taken again from its own wire form is the same.
let commandTarget = FuzzTarget(
    name: "commands", maxLength: 2048,
    seeds: ["MAIL FROM:<a@b.example> SIZE=10 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb AUTH=<>", "RCPT TO:<\"a b\"@[IPv6:::1]> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+40b",
            "rcpt to:<@x.example,@y.example:é@bücher.example> ORCPT=utf-8;\\x{e9}", "EHLO [192.0.2.1]", "BDAT 99999999999999999999 LAST", "RCPT TO:<postmaster>",
            "XCLIENT NAME=a.example ADDR=IPV6:::1 PORT=1 PROTO=ESMTP HELO=x+20y LOGIN=[UNAVAILABLE]", "XFORWARD SOURCE=LOCAL IDENT=a", "AUTH PLAIN AGEAYg==", "VRFY a",
            "STARTTLS", "POST / HTTP/1.1", "MAIL FROM: <> ", "NOOP x", "HELP", "LHLO x", "QUIT", "RSET", "DATA"].map(\.octets),
    words: ["MAIL FROM:<", "RCPT TO:<", " SIZE=", " BODY=8BITMIME", " BODY=BINARYMIME", " SMTPUTF8", " RET=FULL", " ENVID=", " AUTH=", " NOTIFY=NEVER", " ORCPT=utf-8;",
            " ORCPT=rfc822;", "+0A", "\\x{", "IPv6:", "XCLIENT ", "XFORWARD ", "ADDR=", "[UNAVAILABLE]", "BDAT ", " LAST", "<@a,@b:"]) { bytes in
    for parser in commandParsers {
        bytes.withUnsafeBufferPointer { line in
            let (verb, argument) = parser.verb(of: line)
            // The session lets no controls through to the parser.
            guard let verb, line.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return }
            do throws(CommandError) { checkCommand(try parser.parse(verb, argument)) } catch { checkReply(error.reply) }
        }
    }
}

private let commandParsers = [
    CommandParser(paths: PathParser()),
    CommandParser(paths: PathParser(brackets: .optional, limits: AddressLimits(localPart: 300, path: 1000))),
]

private func checkCommand(_ command: Command) {
    switch command {
    case .hello(_, let name): checkText(name)
    case .mail(let mail):
        checkText(mail.reversePath.description)
        checkText(mail.parameters.envelopeID ?? "")
        checkText(mail.parameters.auth ?? "")
        check((mail.parameters.size ?? 0) >= 0, "a negative size")
    case .rcpt(let recipient):
        checkText(recipient.forwardPath.description)
        if let original = recipient.parameters.originalRecipient {
            checkText(original.address)
            var wire: [UInt8] = []
            original.append(to: &wire, allowingUTF8: true)
            check(OriginalRecipient(wire: wire) == original, "ORCPT does not come back from \(wire)")
        }
    case .bdat(let size, _): check(size >= 0, "a negative chunk")
    case .auth(let mechanism, _): checkText(mechanism)
    case .xclient(let attributes), .xforward(let attributes): for attribute in attributes { checkText(attribute.value ?? "") }
    case .data, .rset, .noop, .vrfy, .expn, .help, .quit, .startTLS, .notOffered, .http: break
    }
}

/// What goes into headers, logs and replies cannot end a line.
func checkText(_ text: String) {
    for scalar in text.unicodeScalars {
        let value = scalar.value
        check(value >= 0x20 && !(0x7f...0x9f).contains(value) && value != 0x2028 && value != 0x2029, "a control character in \(text.debugDescription)")
    }
}

/// A reply of ours is one reply to whoever reads it.
func checkReply(_ reply: Reply) {
    var parser = ReplyParser()
    reply.wire.withUnsafeBytes { parser.receive($0) }
    do {
        let again = try parser.next()
        check(again?.code == reply.code, "a reply comes back as \(String(describing: again))")
        check(!parser.hasUnreadInput, "a reply is followed by more")
    } catch { fail("a reply of ours is \(error)") }
}

/// Replies: the same however they are cut, printable, bounded.
let replyTarget = FuzzTarget(
    name: "replies", maxLength: 4096,
    seeds: ["\u{1}250-a\r\n250 b\r\n", "\u{0}220 x ESMTP\n550 5.1.1 no\r\n", "\u{2}553-\r\n553\r\n", "\u{2}354 é\u{9b}\r\n421-4.3.2 a\r\n421 4.3.2 b\r\n"].map(\.octets),
    words: ["250-", "250 ", "\r\n", "550 5.1.1 ", "452 4.5.3 ", "\r\n250-SIZE 99", "421 "]) { bytes in
    var input = FuzzInput(bytes)
    let cuts = input.take(input.number(below: 6))
    let stream = input.rest()
    let whole = parseReplies(stream, cuts: [])
    for other in [cuts, [1], [2, 3]] {
        check(parseReplies(stream, cuts: other) == whole, "a split by \(other) changes the replies")
    }
    for reply in whole.replies {
        check((200...599).contains(reply.code) && reply.lines.count <= ReplyParser.keptLines, "a reply out of bounds")
        for line in reply.lines {
            checkText(line)
            check(line.utf8.count <= 3 * ReplyParser.keptLineOctets, "a long line is kept")
        }
        _ = Capabilities(keywordLines: reply.lines.dropFirst()).keywordLines
        checkReply(reply)
    }
}

private struct Replies: Equatable {
    var replies: [Reply] = []
    var error: ReplyError?
    var isMidway = false
}

private func parseReplies(_ stream: [UInt8], cuts: [UInt8]) -> Replies {
    var parser = ReplyParser()
    var result = Replies()
    for piece in stream.cut(by: cuts) where result.error == nil {
        piece.withUnsafeBytes { parser.receive($0) }
        do throws(ReplyError) {
            while let reply = try parser.next() { result.replies.append(reply) }
        } catch { result.error = error }
    }
    result.isMidway = result.error == nil && parser.hasUnreadInput
    return result
}

/// Addresses, paths, domains and the encodings that carry them: what was read can be written and is then the same.
let addressTarget = FuzzTarget(
    name: "address", maxLength: 1200,
    seeds: ["a@b.example", "<\"a\\\"b c\"@[192.0.2.1]>", "<@x.example:é@bücher.example>", "<>", "a@[IPv6:2001:db8::1.2.3.4]", "xn--bcher-kva.example", "+C3+A9", "\\x{1F600}a",
            "<Postmaster>", "straße.de", "1.2.3.4", "::ffff:1.2.3.4/96", "rfc822;a@b", "Fri, 21 Nov 1997 09:55:06 -0600", "5.1.1"].map(\.octets),
    words: ["IPv6:", "xn--", "@[", "\u{301}", "\u{3002}", "\u{200d}", "ß", "\\x{"]) { bytes in
    if let address = try? EmailAddress(parsing: bytes) { checkAddress(address) }
    if let domain = try? Domain(parsing: bytes) { checkDomain(domain) }
    for parser in [PathParser(), PathParser(brackets: .optional, limits: anyLength)] {
        if let (path, end) = try? parser.reversePath(in: bytes.span) {
            check(end <= bytes.count, "a path ends behind its input")
            if let address = path.address { checkAddress(address) }
        }
        if let (path, end) = try? parser.forwardPath(in: bytes.span) {
            check(end <= bytes.count, "a path ends behind its input")
            if let address = path.address { checkAddress(address) }
        }
    }
    if let text = XText.decode(bytes) {
        checkText(text)
        check(XText.decode(XText.encode(text)) == text, "xtext does not come back")
    }
    if let text = UnicodeAddressText.decode(bytes) {
        checkText(text)
        for form in [UnicodeAddressText.Form.xtext, .unitext] {
            check(UnicodeAddressText.decode(UnicodeAddressText.encode(text, form)) == text, "\(form) does not come back")
        }
    }
    _ = OriginalRecipient(wire: bytes)
    let text = String(decoding: bytes, as: UTF8.self)
    _ = ContentType(parsing: text)
    _ = StatusCode(parsing: text)
    if let date = DateTime(parsing: text) {
        guard let again = DateTime(parsing: date.description) else { fail("\(date) cannot be read again") }
        check(again.timestamp.seconds == date.timestamp.seconds, "\(date) is read as \(again)")
    }
    checkIP(text)
}

private let anyLength = AddressLimits(localPart: 1 << 14, path: 1 << 14)

private func checkAddress(_ address: EmailAddress) {
    checkText(address.description)
    checkText(address.unicode)
    guard let again = try? EmailAddress(parsing: address.wire, limits: anyLength) else { fail("\(address) cannot be read again") }
    check(again == address && again.hashValue == address.hashValue && again.wire == address.wire, "\(address) is read as \(again)")
    check(address.isASCII == address.localPart.utf8.allSatisfy { $0 < 0x80 }, "isASCII lies about \(address)")
    guard let international = try? EmailAddress(parsing: address.unicode, limits: anyLength) else { fail("\(address.unicode) cannot be read") }
    check(international == address, "\(address.unicode) is not \(address)")
    if let domain = address.domain { checkDomain(domain) }
}

private func checkDomain(_ domain: Domain) {
    check(domain.ascii.utf8.count <= 253 && domain.labels.allSatisfy { (1...63).contains($0.utf8.count) }, "an impossible domain: \(domain)")
    check(domain.ascii.utf8.allSatisfy { $0 < 0x80 && !(0x41...0x5a).contains($0) }, "a domain that is not canonical: \(domain)")
    check((try? Domain(parsing: domain.ascii)) == domain, "\(domain) does not come back")
    check((try? Domain(parsing: domain.unicode)) == domain, "\(domain.unicode) is not \(domain)")
    check(domain.isWithin(domain), "\(domain) is not within itself")
}

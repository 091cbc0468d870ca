/// The first word of a command line.
enum Verb: Hashable, Sendable {
    case ehlo, helo, lhlo, mail, rcpt, data, bdat, rset, noop, vrfy, expn, help, quit, auth, starttls, xclient, xforward
    /// Commands of RFCs that this server does not offer: ETRN, ATRN, TURN, BURL, SEND, SOML, SAML.
    case other
    /// The method of an HTTP request: another protocol's client was led here.
    case http

    /// The verb that `word` spells in any case.
    init?(_ word: Slice<UnsafeBufferPointer<UInt8>>) {
        guard let first = word.first, word.count <= 8, let verb = Verb.candidates(first & 0xdf, word) else { return nil }
        self = verb
    }

    private static func candidates(_ initial: UInt8, _ word: Slice<UnsafeBufferPointer<UInt8>>) -> Verb? {
        switch initial {
        case UInt8(ascii: "M"): pick(word, ("MAIL", .mail))
        case UInt8(ascii: "R"): pick(word, ("RCPT", .rcpt), ("RSET", .rset))
        case UInt8(ascii: "D"): pick(word, ("DATA", .data), ("DELETE", .http))
        case UInt8(ascii: "E"): pick(word, ("EHLO", .ehlo), ("EXPN", .expn), ("ETRN", .other))
        case UInt8(ascii: "B"): pick(word, ("BDAT", .bdat), ("BURL", .other))
        case UInt8(ascii: "Q"): pick(word, ("QUIT", .quit))
        case UInt8(ascii: "H"): pick(word, ("HELO", .helo), ("HELP", .help), ("HEAD", .http))
        case UInt8(ascii: "N"): pick(word, ("NOOP", .noop))
        case UInt8(ascii: "V"): pick(word, ("VRFY", .vrfy))
        case UInt8(ascii: "L"): pick(word, ("LHLO", .lhlo))
        case UInt8(ascii: "S"): pick(word, ("STARTTLS", .starttls), ("SEND", .other), ("SOML", .other), ("SAML", .other))
        case UInt8(ascii: "A"): pick(word, ("AUTH", .auth), ("ATRN", .other))
        case UInt8(ascii: "X"): pick(word, ("XFORWARD", .xforward), ("XCLIENT", .xclient))
        case UInt8(ascii: "T"): pick(word, ("TURN", .other), ("TRACE", .http))
        case UInt8(ascii: "G"): pick(word, ("GET", .http))
        case UInt8(ascii: "P"): pick(word, ("POST", .http), ("PUT", .http), ("PATCH", .http), ("PRI", .http))
        case UInt8(ascii: "C"): pick(word, ("CONNECT", .http))
        case UInt8(ascii: "O"): pick(word, ("OPTIONS", .http))
        default: nil
        }
    }

    private static func pick(_ word: Slice<UnsafeBufferPointer<UInt8>>, _ candidates: (StaticString, Verb)...) -> Verb? {
        for (name, verb) in candidates where word.equalsKeyword(name) { return verb }
        return nil
    }
}

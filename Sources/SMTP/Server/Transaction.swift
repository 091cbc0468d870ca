import MessageFormat

/// One mail transaction, from MAIL on (RFC 5321 §3.3).
///
/// Everything that belongs to it lives here and nowhere else, so that dropping the value is the reset.
/// It cannot be copied: the body would be, too.
struct Transaction: ~Copyable {
    /// How the message comes in.
    enum Content {
        /// Not yet.
        case none
        /// After DATA.
        case data(DataDecoder)
        /// After the first BDAT; `isLast` tells whether the current chunk ends the message.
        case chunks(ChunkDecoder, isLast: Bool)
    }

    let mail: MailCommand
    var recipients: [RcptCommand] = []
    private(set) var content = Content.none
    /// The message, or the part of it not yet handed out.
    private(set) var body: [UInt8] = []
    /// Whether parts of the message were handed out and not taken back.
    var isStreamed = false
    /// How many Received fields the header has, once it has come in.
    private(set) var receivedCount: Int?
    /// Whether the message can only be refused; it is followed to its end, but no longer kept.
    private(set) var isDiscarding = false
    /// The reason for that, where it is not in the findings.
    private var reason: Reply?

    init(_ mail: MailCommand) { self.mail = mail }

    var usesChunks: Bool { if case .chunks = content { true } else { false } }

    /// What was noticed in the message so far.
    var findings: ContentFindings {
        switch content {
        case .none: []
        case .data(let decoder): decoder.findings
        case .chunks(let decoder, _): decoder.findings
        }
    }

    /// The length of the message so far.
    var octets: Int {
        switch content {
        case .none: 0
        case .data(let decoder): decoder.octets
        case .chunks(let decoder, _): decoder.octets
        }
    }

    /// Whether what DATA or BDAT announced has come in whole.
    var isAtEnd: Bool {
        switch content {
        case .none: true
        case .data(let decoder): decoder.isFinished
        case .chunks(let decoder, _): decoder.remaining == 0
        }
    }

    /// Whether more chunks must follow the current one.
    var expectsChunks: Bool { if case .chunks(_, isLast: false) = content { true } else { false } }
    /// The size of the current chunk.
    var chunkOctets: Int { if case .chunks(let decoder, _) = content { decoder.chunkOctets } else { 0 } }

    mutating func beginData(under settings: ServerSettings) {
        content = .data(DataDecoder(lineOctetsMax: settings.maxTextLine))
    }

    mutating func beginChunk(of size: Int, isLast: Bool, under settings: ServerSettings) {
        var decoder = ChunkDecoder(lineOctetsMax: settings.maxTextLine)
        if case .chunks(let open, _) = content { decoder = open }
        let (sum, overflow) = decoder.octets.addingReportingOverflow(size)
        decoder.begin(chunkOf: size)
        content = .chunks(decoder, isLast: isLast)
        // What cannot fit is not collected first.
        if overflow || sum > settings.maxMessageSize { discard(because: .messageTooLarge) }
    }

    /// Takes the part of `input` that belongs to the message and tells how long it was.
    mutating func decode(_ input: UnsafeRawBufferPointer, under settings: ServerSettings) -> Int {
        let used: Int
        switch content {
        case .none: used = 0
        case .data(var decoder):
            used = decoder.decode(input, into: &body, keeping: !isDiscarding)
            content = .data(decoder)
        case .chunks(var decoder, let isLast):
            used = decoder.decode(input, into: &body, keeping: !isDiscarding)
            content = .chunks(decoder, isLast: isLast)
        }
        if !isDiscarding, refusal(under: settings) != nil { discard() }
        return used
    }

    /// Hands over the message, or the part of it not yet handed out.
    mutating func takeBody() -> [UInt8] {
        let part = body
        body = []
        return part
    }

    /// Stops keeping the message.
    mutating func discard(because reply: Reply? = nil) {
        isDiscarding = true
        reason = reason ?? reply
        body = []
    }

    /// Why the message cannot be taken, in an order that does not depend on how it was cut into pieces.
    func refusal(under settings: ServerSettings) -> Reply? {
        if let reason { return reason }
        if octets > settings.maxMessageSize { return .messageTooLarge }
        let findings = findings
        if findings.isEmpty { return nil }
        if mail.parameters.body != .binaryMIME {
            if !findings.isDisjoint(with: [.bareCR, .bareLF]) { return .bareLineBreak }
            if findings.contains(.nul), settings.nulPolicy == .refuse { return .nulInMessage }
            if findings.contains(.overlongLine) { return .textLineTooLong }
        }
        return nil
    }

    /// Looks at what only the whole message shows.
    mutating func finish(under settings: ServerSettings) {
        if case .chunks(var decoder, let isLast) = content {
            decoder.finish()
            content = .chunks(decoder, isLast: isLast)
        }
        if !isDiscarding { checkHeader(under: settings, isWhole: true) }
    }

    /// Examines the header section once; a part of a message must hold it whole.
    mutating func checkHeader(under settings: ServerSettings, isWhole: Bool) {
        guard receivedCount == nil else { return }
        do {
            let header = try HeaderSection(scanning: body, limits: settings.headerLimits)
            // A part without an empty line has not got all of what some reader will take for the header.
            if !isWhole, header.ending != .emptyLine, !body[header.bodyStart...].holdsEmptyLine {
                return discard(because: .headerTooLarge)
            }
            if header.ending == .malformedLine, settings.malformedHeaderPolicy == .refuse {
                return discard(because: .malformedHeader)
            }
            let hops = header.receivedCount(in: body.span)
            receivedCount = hops
            if hops > settings.maxHops { discard(because: .tooManyHops) }
        } catch {
            discard(because: .headerTooLarge)
        }
    }
}

extension ArraySlice<UInt8> {
    /// Whether one of the lines is empty; the slice begins with a line.
    fileprivate var holdsEmptyLine: Bool {
        var previous = Octet.lf
        for octet in self {
            if octet == Octet.lf, previous == Octet.lf { return true }
            // The CR of a line end is part of no line.
            if octet != Octet.cr || previous != Octet.lf { previous = octet }
        }
        return false
    }
}

/// Takes the message out of what follows DATA: removes dot-stuffing and finds the end (RFC 5321 §4.5.2).
///
/// Only CRLF.CRLF ends the message, whatever else looks like an end; a bare CR or LF is noted and
/// kept, so that the dialog stays in step and the message can be refused at its true end. Works on
/// runs: a message without dots at line starts is copied in one piece for each input.
public struct DataDecoder: Sendable {
    /// Where the last octet left us.
    private enum State: UInt8 {
        /// After CRLF, and at the start of the message, which begins a line as well.
        case lineStart
        /// After a dot at the start of a line; the dot is dropped.
        case dot
        /// After a CR that follows such a dot; the CR is not yet in the message.
        case dotCR
        /// Within a line.
        case text
        /// After a CR within a line.
        case textCR
    }

    private var state = State.lineStart
    private var lineOctets = 0
    private let lineOctetsAllowed: Int

    /// What was noticed so far.
    public private(set) var findings: ContentFindings = []
    /// Length of the decoded message so far.
    public private(set) var octets = 0
    /// Whether the end was seen.
    public private(set) var isFinished = false

    /// A decoder that notes lines longer than `lineOctetsMax` as overlong.
    public init(lineOctetsMax: Int = 1 << 20) { lineOctetsAllowed = lineOctetsMax }

    /// Decodes `input` up to the end of the message and tells how many octets of it were used.
    ///
    /// With `keeping` false the message is only followed to its end, not kept.
    public mutating func decode(_ input: UnsafeRawBufferPointer, into body: inout [UInt8], keeping: Bool = true) -> Int {
        var index = 0
        var runStart = 0
        func closeRun(at end: Int) {
            if keeping { body.append(runStart..<end, of: input) }
            octets += end - runStart
        }
        while index < input.count, !isFinished {
            switch state {
            case .lineStart:
                guard input[index] == Octet.dot else { state = .text; continue }
                closeRun(at: index)
                index += 1
                runStart = index
                state = .dot
            case .dot:
                guard input[index] == Octet.cr else { state = .text; continue }
                index += 1
                runStart = index
                state = .dotCR
            case .dotCR:
                if input[index] == Octet.lf {
                    index += 1
                    runStart = index
                    isFinished = true
                } else {
                    // Not the end: the CR belongs to the message, as a bare one.
                    if keeping { body.append(Octet.cr) }
                    octets += 1
                    lineOctets += 1
                    findings.insert(.bareCR)
                    state = .text
                }
            case .textCR:
                if input[index] == Octet.lf {
                    index += 1
                    endLine()
                } else {
                    findings.insert(.bareCR)
                    lineOctets += 1
                    state = .text
                }
            case .text:
                index = scanText(input, from: index)
            }
        }
        closeRun(at: index)
        note(input, upTo: index)
        return index
    }

    /// Goes to the end of the line or of the input and tells where that is.
    private mutating func scanText(_ input: UnsafeRawBufferPointer, from start: Int) -> Int {
        let lineFeed = input.firstIndex(of: Octet.lf, in: start..<input.count)
        let end = lineFeed ?? input.count
        let endsInCR = end > start && input[end - 1] == Octet.cr
        let textEnd = endsInCR ? end - 1 : end
        if input.firstIndex(of: Octet.cr, in: start..<textEnd) != nil { findings.insert(.bareCR) }
        lineOctets += textEnd - start
        switch (lineFeed, endsInCR) {
        case (nil, true): state = .textCR
        case (nil, false): break
        case (.some, true): endLine()
        case (.some, false):
            // A line for the length limit, but no start of a line for a dot: that way lies smuggling.
            findings.insert(.bareLF)
            findings.noteLine(of: lineOctets, allowed: lineOctetsAllowed)
            lineOctets = 0
        }
        return lineFeed == nil ? end : end + 1
    }

    private mutating func endLine() {
        findings.noteLine(of: lineOctets, allowed: lineOctetsAllowed)
        lineOctets = 0
        state = .lineStart
    }

    private mutating func note(_ input: UnsafeRawBufferPointer, upTo end: Int) {
        if !findings.contains(.nul), input.firstIndex(of: Octet.nul, in: 0..<end) != nil { findings.insert(.nul) }
        if !findings.contains(.eightBit), input.hasHighBit(in: 0..<end) { findings.insert(.eightBit) }
        findings.noteLine(of: lineOctets, allowed: lineOctetsAllowed)
    }
}

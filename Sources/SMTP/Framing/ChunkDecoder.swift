/// Takes the message out of the chunks that follow BDAT (RFC 3030 §2).
///
/// One decoder serves all chunks of a message, so that a line break split over two chunks is seen
/// as one.
public struct ChunkDecoder: Sendable {
    private var afterCR = false
    private var lineOctets = 0
    private let lineOctetsAllowed: Int

    /// Size of the current chunk.
    public private(set) var chunkOctets = 0
    /// Octets of the current chunk that are still to come.
    public private(set) var remaining = 0
    /// What was noticed so far.
    public private(set) var findings: ContentFindings = []
    /// Length of the message so far.
    public private(set) var octets = 0

    /// A decoder that notes lines longer than `lineOctetsMax` as overlong.
    public init(lineOctetsMax: Int = 1 << 20) { lineOctetsAllowed = lineOctetsMax }

    /// Starts a chunk of `size` octets; the one before must have come in whole.
    public mutating func begin(chunkOf size: Int) {
        chunkOctets = max(size, 0)
        remaining = chunkOctets
    }

    /// Takes the part of `input` that belongs to the current chunk and tells how long it was.
    ///
    /// With `keeping` false the octets are only counted off, so that the dialog stays in step.
    public mutating func decode(_ input: UnsafeRawBufferPointer, into body: inout [UInt8], keeping: Bool = true) -> Int {
        let count = min(input.count, remaining)
        remaining -= count
        let (sum, overflow) = octets.addingReportingOverflow(count)
        octets = overflow ? .max : sum
        if keeping { body.append(0..<count, of: input) }
        scan(input, upTo: count)
        return count
    }

    /// Notes what only the end of the message shows: a last CR without its LF, a last line without its end.
    public mutating func finish() {
        if afterCR { findings.insert(.bareCR) }
        if afterCR || lineOctets > 0 { findings.insert(.unfinishedLine) }
        afterCR = false
    }

    private mutating func scan(_ input: UnsafeRawBufferPointer, upTo end: Int) {
        var index = 0
        if afterCR, end > 0 {
            afterCR = false
            if input[0] == Octet.lf {
                index = 1
                endLine()
            } else {
                findings.insert(.bareCR)
                lineOctets += 1
            }
        }
        while index < end {
            let lineFeed = input.firstIndex(of: Octet.lf, in: index..<end)
            let stop = lineFeed ?? end
            let endsInCR = stop > index && input[stop - 1] == Octet.cr
            let textEnd = endsInCR ? stop - 1 : stop
            if input.firstIndex(of: Octet.cr, in: index..<textEnd) != nil { findings.insert(.bareCR) }
            lineOctets += textEnd - index
            guard lineFeed != nil else { afterCR = endsInCR; break }
            if !endsInCR { findings.insert(.bareLF) }
            endLine()
            index = stop + 1
        }
        if !findings.contains(.nul), input.firstIndex(of: Octet.nul, in: 0..<end) != nil { findings.insert(.nul) }
        if !findings.contains(.eightBit), input.hasHighBit(in: 0..<end) { findings.insert(.eightBit) }
        findings.noteLine(of: lineOctets, allowed: lineOctetsAllowed)
    }

    private mutating func endLine() {
        findings.noteLine(of: lineOctets, allowed: lineOctetsAllowed)
        lineOctets = 0
    }
}

import Testing
@testable import SMTP

/// All strings of up to `length` octets over an alphabet that framing cares about.
private func everyString(upTo length: Int) -> [[UInt8]] {
    var all: [[UInt8]] = [[]]
    var last = all
    for _ in 0..<length {
        last = last.flatMap { prefix in [0x0d, 0x0a, 0x2e, 0x61].map { prefix + [$0] } }
        all += last
    }
    return all
}

@Suite struct FramingRoundTripTests {
    @Test("Encoded DATA has one end and no bare CR or LF, whatever the message")
    func encodeDecode() {
        for message in everyString(upTo: 7) {
            for cut in Set([0, message.count / 2]) {
                var encoder = DotEncoder()
                var wire: [UInt8] = []
                message[..<cut].withUnsafeBytes { encoder.encode($0, into: &wire) }
                encoder.encode(message[cut...], into: &wire)
                encoder.finish(into: &wire)

                var decoder = DataDecoder()
                var body: [UInt8] = []
                let used = wire.withUnsafeBytes { decoder.decode($0, into: &body) }
                #expect(decoder.isFinished && used == wire.count && decoder.findings.isEmpty, "\(message)")
                if LineBreaks(message).areClean, message.isEmpty || message.suffix(2) == [0x0d, 0x0a] {
                    #expect(body == message)
                }
            }
        }
    }

    @Test("A bare CR counts into the length of its line wherever the input was cut")
    func lineLength() {
        let line = Array(repeating: UInt8(ascii: "a"), count: 997) + [0x0d, 0x61, 0x0d, 0x0a]
        for cut in [0, 997, 998, 999] {
            var data = DataDecoder()
            var chunks = ChunkDecoder()
            var body: [UInt8] = []
            chunks.begin(chunkOf: line.count)
            for piece in [line[..<cut], line[cut...]] {
                _ = piece.withUnsafeBytes { data.decode($0, into: &body) }
                _ = piece.withUnsafeBytes { chunks.decode($0, into: &body) }
            }
            #expect(data.findings == [.bareCR, .longLine] && chunks.findings == [.bareCR, .longLine], "cut at \(cut)")
        }
    }

    @Test("The chunk decoder and the data decoder see the same breaks")
    func chunks() {
        for message in everyString(upTo: 6) {
            for cut in Set([0, 1, message.count / 2]) where cut <= message.count {
                var decoder = ChunkDecoder()
                var body: [UInt8] = []
                for part in [message[..<cut], message[cut...]] {
                    decoder.begin(chunkOf: part.count)
                    let used = part.withUnsafeBytes { decoder.decode($0, into: &body) }
                    #expect(used == part.count)
                }
                decoder.finish()
                #expect(body == message)
                let breaks = LineBreaks(message)
                #expect(decoder.findings.contains(.bareCR) == (breaks.bareCR > 0), "\(message)")
                #expect(decoder.findings.contains(.bareLF) == (breaks.bareLF > 0), "\(message)")
            }
        }
    }

    @Test("A chunk takes its octets and no more")
    func chunkEnd() {
        var decoder = ChunkDecoder()
        var body: [UInt8] = []
        decoder.begin(chunkOf: 3)
        #expect([1, 2].withUnsafeBytes { decoder.decode(UnsafeRawBufferPointer(rebasing: $0[..<2]), into: &body) } == 2)
        #expect(decoder.remaining == 1)
        let used = ([1, 2, 3] as [UInt8]).withUnsafeBytes { decoder.decode($0, into: &body) }
        #expect(used == 1 && decoder.remaining == 0 && body.count == 3)
    }
}

/// A plain count of bare line breaks to compare the decoders with.
private struct LineBreaks {
    var bareCR = 0
    var bareLF = 0
    var areClean: Bool { bareCR == 0 && bareLF == 0 }

    init(_ bytes: [UInt8]) {
        for (index, byte) in bytes.enumerated() {
            if byte == 0x0d, index + 1 == bytes.count || bytes[index + 1] != 0x0a { bareCR += 1 }
            if byte == 0x0a, index == 0 || bytes[index - 1] != 0x0d { bareLF += 1 }
        }
    }
}

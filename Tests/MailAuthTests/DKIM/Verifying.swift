import DNS
import MailAuth
import Ports

/// The results of verifying `message` with the keys of `zone`, the message given in chunks of `chunk` octets.
func verify(_ message: [UInt8], _ zone: Zone, at now: Timestamp, _ settings: DKIMVerifierSettings = .standard,
            chunk: Int = 1 << 20) throws -> [DKIMResult] {
    var splitter = MessageSplitter()
    let bodies = BodyHashes()
    var verifier: DKIMVerifier?
    var index = 0
    while index < message.count {
        let piece = message[index..<min(index + chunk, message.count)]
        index = piece.endIndex
        try piece.withUnsafeBytes { bytes in
            if verifier != nil { return bodies.receive(bytes) }
            guard case .complete(let start) = splitter.receive(bytes) else { return }
            verifier = DKIMVerifier(try MessageHeader(scanning: splitter.header), bodies: bodies, settings)
            bodies.receive(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        }
    }
    let last = try verifier ?? DKIMVerifier(MessageHeader(scanning: splitter.header), bodies: bodies, settings)
    let loop = TestLoop(now: now)
    let lookups = Lookups(ZoneResolver(zone), on: loop, deadline: now + .seconds(20))
    var answers: [[DKIMResult]] = []
    last.finish(lookups) { answers.append($0) }
    loop.run()
    return answers.count == 1 ? answers[0] : []
}

/// `text` with every line end as CRLF.
func withLineEnds(_ text: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    for (index, octet) in text.enumerated() {
        if octet == 0x0a, index == 0 || text[index - 1] != 0x0d { output.append(0x0d) }
        output.append(octet)
    }
    return output
}

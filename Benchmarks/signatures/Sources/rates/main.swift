import Cryptography
import DNS
import Glibc
import MailAuth
import MessageFormat
import Ports

// rates sign|verify|sha256 MESSAGE SECONDS [KEY.pem DOMAIN SELECTOR]
// Does one thing with one message again and again on one thread and prints operations a second of CPU time.
// `sign once` writes the signed message to standard output instead.

/// A loop that runs jobs when it is drained; nothing waits.
final class DrainedLoop: Loop, @unchecked Sendable {
    private var jobs: [@Sendable () -> Void] = []
    let now: Timestamp
    init(now: Timestamp) { self.now = now }
    var isCurrent: Bool { true }
    func execute(_ job: @escaping @Sendable () -> Void) { jobs.append(job) }
    func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer { LoopTimer {} }
    func drain() {
        while !jobs.isEmpty {
            let due = jobs
            jobs.removeAll(keepingCapacity: true)
            for job in due { job() }
        }
    }
}

func read(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { exit(2) }
    defer { fclose(file) }
    var octets: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { octets += buffer[..<count] }
    return octets
}

func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// The size of a piece in which a message arrives.
let chunk = 65536

func sign(_ message: [UInt8], _ key: DKIMKey, _ signer: DKIMSigner) throws -> [UInt8] {
    var splitter = MessageSplitter()
    let bodies = BodyHashes()
    let request = signer.bodyHash(in: bodies)
    message.withUnsafeBytes { bytes in
        var index = 0
        while index < bytes.count {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[index..<min(index + chunk, bytes.count)])
            index += piece.count
            if splitter.isComplete { bodies.receive(piece) } else if case .complete(let start) = splitter.receive(piece) {
                bodies.receive(UnsafeRawBufferPointer(rebasing: piece[start...]))
            }
        }
    }
    bodies.finish()
    let header = try MessageHeader(scanning: splitter.header)
    return try signer.sign(header, bodyHash: bodies.value(request).hash, keys: [key], at: Timestamp(seconds: 1_700_000_000))
}

func verify(_ message: [UInt8], _ resolver: ZoneResolver) throws -> Bool {
    var splitter = MessageSplitter()
    let bodies = BodyHashes()
    var verifier: DKIMVerifier?
    try message.withUnsafeBytes { bytes in
        var index = 0
        while index < bytes.count {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[index..<min(index + chunk, bytes.count)])
            index += piece.count
            if verifier != nil { bodies.receive(piece) } else if case .complete(let start) = splitter.receive(piece) {
                verifier = DKIMVerifier(try MessageHeader(scanning: splitter.header), bodies: bodies)
                bodies.receive(UnsafeRawBufferPointer(rebasing: piece[start...]))
            }
        }
    }
    let loop = DrainedLoop(now: Timestamp(seconds: 1_700_000_100))
    var passes = false
    verifier?.finish(Lookups(resolver, on: loop, deadline: loop.now + .seconds(10))) { results in
        passes = !results.isEmpty && results.allSatisfy { $0.result == .pass }
    }
    loop.drain()
    return passes
}

let arguments = CommandLine.arguments
guard arguments.count >= 4 else { exit(64) }
let message = read(arguments[2])
let seconds = Double(arguments[3])
let key = arguments.count >= 7 ? (try? SigningKey(pem: read(arguments[4]))).flatMap { pem in
    (try? Domain(parsing: arguments[5])).flatMap { DKIMKey(domain: $0, selector: arguments[6], key: pem) }
} : nil
let signer = DKIMSigner()
let zone = key.map { Zone([$0.recordName: Zone.Entry([.txt(Array(KeyRecord.text(of: $0.key).utf8))])]) } ?? Zone()
let resolver = ZoneResolver(zone)

func once() throws -> Bool {
    switch arguments[1] {
    case "sign": try key.map { try !sign(message, $0, signer).isEmpty } ?? false
    case "verify": try verify(message, resolver)
    default: HashFunction.sha256.hash(message).count == 32
    }
}

guard let seconds else {
    guard let key else { exit(64) }
    let output = try sign(message, key, signer) + message
    var written = 0
    output.withUnsafeBytes { bytes in
        while written < bytes.count, case let count = write(STDOUT_FILENO, bytes.baseAddress.map { $0 + written }, bytes.count - written), count > 0 {
            written += count
        }
    }
    exit(written == output.count ? 0 : 1)
}
guard try once() else {
    print("the operation fails")
    exit(1)
}
let begin = cpuSeconds()
var count = 0
repeat {
    for _ in 0..<(message.count > 1 << 20 ? 1 : 16) { _ = try once(); count += 1 }
} while cpuSeconds() - begin < seconds
print(Double(count) / (cpuSeconds() - begin))

import Glibc

/// One thing that is fuzzed: a name, what to start from, and what to do with an input.
struct FuzzTarget: Sendable {
    let name: String
    /// The longest input that is tried.
    let maxLength: Int
    /// Small valid inputs, from which mutation starts.
    let seeds: [[UInt8]]
    /// Words that mutation may put in.
    var words: [String] = []
    let run: @Sendable ([UInt8]) -> Void
}

/// Every target; a new one is one line here.
let allTargets: [FuzzTarget] = [
    commandTarget, replyTarget, dataTarget, chunkTarget, headerTarget, reportTarget, addressTarget, proxyTarget, helloTarget,
    dnsTarget, serverTarget, clientTarget, pairTarget, logTarget, eventTarget, checkpointTarget,
    dkimTarget, arcTarget, spfTarget, resultsTarget, policyTarget, tlsaTarget, saslTarget, zoneTarget,
]

/// A property that does not hold: says so and dies, so that libFuzzer keeps the input.
func fail(_ message: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line) -> Never {
    complain("property broken at \(file):\(line): \(message())")
    abort()
}

private func complain(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = Glibc.write(2, line, line.count)
}

/// Dies unless `condition` holds.
func check(_ condition: Bool, _ message: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line) {
    if !condition { fail(message(), file: file, line: line) }
}

/// The target that this process fuzzes.
private nonisolated(unsafe) var current: FuzzTarget?

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(_ count: UnsafeMutablePointer<CInt>,
                       _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
                       _ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt) -> CInt

/// `fuzz list`, `fuzz seeds TARGET FOLDER`, `fuzz words TARGET FILE`, `fuzz TARGET [libFuzzer's arguments]`.
@_cdecl("fuzz_main")
public func fuzzMain(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    let words = (0..<Int(count)).map { arguments[$0].map { String(cString: $0) } ?? "" }
    let name = words.count > 1 ? words[1] : ""
    if name == "list" {
        for target in allTargets { print(target.name, target.maxLength) }
        return 0
    }
    if words.count == 4, let target = allTargets.first(where: { $0.name == words[2] }) {
        if name == "seeds" { return writeSeeds(of: target, to: words[3]) }
        if name == "words" { return writeWords(of: target, to: words[3]) }
    }
    guard let target = allTargets.first(where: { $0.name == name }) else {
        complain("fuzz: which target? \(allTargets.map(\.name).joined(separator: " "))")
        return 2
    }
    current = target
    // libFuzzer does not know the name of the target.
    var rest = count - 1
    arguments[1] = arguments[0]
    var shifted = arguments + 1
    return runDriver(&rest, &shifted) { bytes, length in
        current?.run(Array(UnsafeBufferPointer(start: bytes, count: length)))
        return 0
    }
}

private func writeSeeds(of target: FuzzTarget, to folder: String) -> CInt {
    for (index, seed) in target.seeds.enumerated() where !write(seed, to: "\(folder)/seed-\(index)") { return 1 }
    return 0
}

private func writeWords(of target: FuzzTarget, to file: String) -> CInt {
    let lines = target.words.map { word in
        "\"" + word.utf8.map { octet in
            let isPlain = octet >= 0x20 && octet < 0x7f && octet != 0x22 && octet != 0x5c
            let digits = String(octet, radix: 16)
            return isPlain ? String(UnicodeScalar(octet)) : "\\x" + (digits.count < 2 ? "0" : "") + digits
        }.joined() + "\"\n"
    }
    // A file without a line is an error to libFuzzer.
    return write(Array(("\"\\x00\"\n" + lines.joined()).utf8), to: file) ? 0 : 1
}

private func write(_ bytes: [UInt8], to path: String) -> Bool {
    guard let file = fopen(path, "w") else { return false }
    defer { fclose(file) }
    return fwrite(bytes, 1, bytes.count, file) == bytes.count
}

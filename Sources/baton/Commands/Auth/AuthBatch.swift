import DNS
import Glibc
import MailAuth
import Ports

/// `baton auth check --batch`: a request a line, an answer a line, in the order of the requests.
struct AuthBatch {
    /// Longest line: a message of 64 MiB in base64, and a zone.
    static let maxLineOctets = 128 * 1024 * 1024
    /// Requests that may wait for the network at once.
    private static let window = 64
    private static let outputOctets = 1 << 16

    /// What does the requests.
    let engine: AuthEngine
    /// What answers requests without a zone of their own; nil for the network.
    var zone: ZoneResolver?
    /// The time of requests without one of their own; nil for now.
    var at: Timestamp?

    /// Answers until the input ends, or until `write` says that nobody reads any more.
    func run(input: Int32 = STDIN_FILENO, write: ([UInt8]) -> Bool = { CommandFile.write($0) }) {
        var batch = OpenBatch(engine: engine, zone: zone, at: at)
        var lines = LineReader(input, maxOctets: AuthBatch.maxLineOctets)
        while let line = lines.next() {
            switch line {
            case .text(let text): if text.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0d }) { batch.add(text) }
            case .tooLong: batch.addError("null", "a line is longer than \(AuthBatch.maxLineOctets) octets")
            }
            // Whoever waits for an answer before sending the next request gets it.
            if !lines.hasBufferedLine { batch.drain() }
            let output = batch.output(atLeast: lines.hasBufferedLine ? AuthBatch.outputOctets : 1)
            guard output.isEmpty || write(output) else { return }
            if batch.openCount >= AuthBatch.window { batch.waitForFirst() }
        }
        batch.drain()
        let output = batch.output(atLeast: 1)
        if !output.isEmpty { _ = write(output) }
    }
}

/// The requests of a batch whose answers are not written yet.
private struct OpenBatch {
    /// An answer, as soon as it is there.
    private final class Slot {
        var line: [UInt8]?
    }

    private let engine: AuthEngine
    private let zone: ZoneResolver?
    private let at: Timestamp?
    private var zones = ZoneCache()
    private var slots: [Slot] = []
    private var output: [UInt8] = []

    init(engine: AuthEngine, zone: ZoneResolver?, at: Timestamp?) {
        self.engine = engine
        self.zone = zone
        self.at = at
    }

    var openCount: Int { slots.count }

    /// Starts the request in `text`.
    mutating func add(_ text: ArraySlice<UInt8>) {
        let members: JSONMembers
        do throws(JSONMembers.Failure) { members = try JSONMembers(text) } catch { return addError("null", "not a request: \(error)") }
        let id = members.raw("id").map(Array.init) ?? Array("null".utf8)
        // It goes into the answer as it is.
        guard JSONMembers.isWellFormed(id) else { return addError("null", "not a request: \"id\" is not a JSON value") }
        do throws(AuthRequestError) {
            var request = try AuthRequest(members, zones: &zones)
            request.zone = request.zone ?? zone
            request.at = request.at ?? at
            let slot = Slot()
            let service = engine.service
            let loop = try engine.start(request) { outcome in
                var line: [UInt8] = []
                AuthCheckJSON(report: outcome.report, service: service).object(id: id).append(to: &line)
                slot.line = line
            }
            slots.append(slot)
            guard request.zone != nil else { return }
            // Requests against a zone are done one by one: each has a clock of its own.
            loop.run { slot.line != nil }
            if slot.line == nil { slot.line = OpenBatch.errorLine(id, "the check came to no end") }
        } catch {
            addError(String(decoding: id, as: UTF8.self), error.description)
        }
    }

    /// Answers with an error instead of results.
    mutating func addError(_ id: String, _ reason: String) {
        let slot = Slot()
        slot.line = OpenBatch.errorLine(Array(id.utf8), reason)
        slots.append(slot)
    }

    private static func errorLine(_ id: [UInt8], _ reason: String) -> [UInt8] {
        var line: [UInt8] = []
        JSONText.object([("id", .raw(id)), ("error", .text(reason))]).append(to: &line)
        return line
    }

    /// Waits until the first open request is answered.
    mutating func waitForFirst() {
        if let first = slots.first { engine.runNetwork { first.line != nil } }
        collect()
    }

    /// Waits until every request is answered.
    mutating func drain() {
        for slot in slots { engine.runNetwork { slot.line != nil } }
        collect()
    }

    /// The answers that are there, once they have `octets`; empty before.
    mutating func output(atLeast octets: Int) -> [UInt8] {
        collect()
        guard output.count >= octets else { return [] }
        defer { output = [] }
        return output
    }

    private mutating func collect() {
        let done = slots.prefix { $0.line != nil }
        for slot in done {
            output.append(contentsOf: slot.line ?? [])
            output.append(0x0a)
        }
        slots.removeFirst(done.count)
    }
}

/// Lines of a file descriptor, read in large pieces.
private struct LineReader {
    enum Line {
        case text(ArraySlice<UInt8>)
        case tooLong
    }

    private let descriptor: Int32
    private let maxOctets: Int
    private var buffer: [UInt8] = []
    private var start = 0
    /// No line end lies before this index.
    private var searched = 0
    private var isAtEnd = false
    private var isSkipping = false
    private static let pieceOctets = 1 << 18

    init(_ descriptor: Int32, maxOctets: Int) {
        self.descriptor = descriptor
        self.maxOctets = maxOctets
    }

    /// Whether the next line is here without reading.
    var hasBufferedLine: Bool { buffer[max(start, searched)...].contains(0x0a) }

    /// The next line without its LF; nil at the end.
    mutating func next() -> Line? {
        while true {
            if let end = buffer[searched...].firstIndex(of: 0x0a) {
                let line = buffer[start..<end]
                start = end + 1
                searched = start
                if isSkipping { isSkipping = false; continue }
                return .text(line)
            }
            searched = buffer.count
            if isAtEnd {
                guard start < buffer.count, !isSkipping else { return nil }
                defer { start = buffer.count }
                return .text(buffer[start...])
            }
            if buffer.count - start > maxOctets, !isSkipping {
                isSkipping = true
                drop()
                return .tooLong
            }
            if isSkipping { drop() }
            fill()
        }
    }

    private mutating func drop() {
        buffer.removeAll(keepingCapacity: true)
        start = 0
        searched = 0
    }

    private mutating func fill() {
        if start > 0 {
            buffer.removeSubrange(..<start)
            searched -= start
            start = 0
        }
        let used = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: LineReader.pieceOctets))
        let count = buffer.withUnsafeMutableBytes { bytes in
            var count: Int
            repeat { count = read(descriptor, bytes.baseAddress?.advanced(by: used), LineReader.pieceOctets) } while count < 0 && errno == EINTR
            return count
        }
        buffer.removeSubrange((used + max(count, 0))...)
        if count <= 0 { isAtEnd = true }
    }
}

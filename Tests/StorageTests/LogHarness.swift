import BatonTesting
import Ports
import Storage

/// A log on a simulated disk, with an owner that keeps the records it is told to keep.
///
/// Kind 1 is a message (key, body), kind 2 says that the message with its key is done, kind 3 is a part of a message.
final class LogHarness: LogOwner {
    let loop: TestLoop
    let disk: SimulatedDisk
    let executor: LoopStorageExecutor
    let log: Log
    let report: RecoveryReport
    /// Where each waiting message lies, with its stored bytes.
    private(set) var messages: [UInt64: (position: RecordPosition, bytes: Int)] = [:]
    /// Keys in the order of replay.
    private(set) var replayed: [RecoveredRecord] = []
    private(set) var checkpointsDue = 0
    private(set) var states: [LogState] = []
    private(set) var lastSynced = LSN.zero
    private(set) var moves = 0
    var checkpointsAreTaken = true

    static func settings(segmentBytes: Int = 64 << 10) -> LogSettings {
        var settings = LogSettings()
        settings.segmentBytes = segmentBytes
        settings.checkpointBytes = segmentBytes * 2
        settings.slackBytes = segmentBytes * 8
        settings.outcomeReserveBytes = 4096
        settings.release = "baton 1.0"
        return settings
    }

    /// Opens the log on `disk`, as a start of the daemon does.
    init(_ disk: SimulatedDisk, loop: TestLoop = TestLoop(), settings: LogSettings = LogHarness.settings(),
         knows: @escaping (UInt8, UInt8) -> Bool = { kind, _ in kind < 100 }) throws(LogOpenError) {
        self.loop = loop
        self.disk = disk
        executor = LoopStorageExecutor(loop: loop)
        let state = Replayed()
        (log, report) = try Log.open(files: disk.root, executor: executor, settings: settings, random: TestRandom(seed: 7), knows: knows) { item in
            state.take(item)
        }
        messages = state.messages
        replayed = state.records
        lastSynced = report.lastLSN
        for (position, bytes) in messages.values { log.retain(position, bytes: bytes) }
        log.start(owner: LoopConfined(self, to: loop))
        loop.run()
    }

    private final class Replayed {
        var messages: [UInt64: (position: RecordPosition, bytes: Int)] = [:]
        var records: [RecoveredRecord] = []

        func take(_ item: RecoveryItem) {
            switch item {
            case .checkpoint(let chunk):
                for start in stride(from: 0, to: chunk.count, by: 24) {
                    let numbers = (0..<3).map { index in
                        chunk[(start + index * 8)..<(start + index * 8 + 8)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                    }
                    messages[numbers[0]] = (RecordPosition(packed: numbers[1]), Int(numbers[2]))
                }
            case .record(let record):
                records.append(record)
                switch record.kind {
                case 1: if let position = record.position { messages[record.messageKey] = (position, record.storedBytes) }
                case 2: messages[record.messageKey] = nil
                default: break
                }
            }
        }
    }

    // MARK: Using the log

    static func body(_ key: UInt64, _ size: Int) -> [UInt8] {
        var body = [UInt8](repeating: UInt8(truncatingIfNeeded: key), count: size)
        for index in 0..<min(size, 8) { body[index] = UInt8(truncatingIfNeeded: key >> UInt64(8 * index)) }
        if size > 8 { body[size - 1] = UInt8(truncatingIfNeeded: size) }
        return body
    }

    static func draft(_ key: UInt64, size: Int) -> RecordDraft {
        RecordDraft(kind: 1, version: 1, isCritical: true, messageKey: key, addressHashes: [key % 5],
                    meta: Array("message \(key)".utf8), body: body(key, size))
    }

    static func done(_ key: UInt64) -> RecordDraft {
        RecordDraft(kind: 2, version: 1, isCritical: true, messageKey: key, meta: Array("done \(key)".utf8))
    }

    /// Accepts a message; `kept` is called when it is on the disk.
    func accept(_ key: UInt64, size: Int = 1000, result: @escaping @Sendable (Result<AppendReceipt, StorageError>) -> Void = { _ in }) {
        let draft = LogHarness.draft(key, size: size)
        let confined = LoopConfined(self, to: loop)
        log.append([draft], .synced, on: loop) { outcome in
            let harness = confined.value
            if case .success(let receipt) = outcome, let position = receipt.positions.first {
                harness.messages[key] = (position, draft.storedBytes)
                harness.log.retain(position, bytes: draft.storedBytes)
                harness.lastSynced = max(harness.lastSynced, receipt.lastLSN)
            }
            result(outcome)
        }
    }

    /// Accepts messages in one group.
    func acceptGroup(_ keys: [UInt64], size: Int, result: @escaping @Sendable (Result<AppendReceipt, StorageError>) -> Void) {
        let confined = LoopConfined(self, to: loop)
        log.append(keys.map { LogHarness.draft($0, size: size) }, .synced, on: loop) { outcome in
            if case .success(let receipt) = outcome {
                for (key, position) in zip(keys, receipt.positions) { confined.value.note(key, position, size: size) }
            }
            result(outcome)
        }
    }

    /// Says that a message is done.
    func finish(_ key: UInt64, result: @escaping @Sendable (Result<AppendReceipt, StorageError>) -> Void = { _ in }) {
        let confined = LoopConfined(self, to: loop)
        log.append([LogHarness.done(key)], .written, on: loop) { outcome in
            if case .success = outcome { confined.value.forget(key) }
            result(outcome)
        }
    }

    /// Counts a record as a live message.
    func note(_ key: UInt64, _ position: RecordPosition, size: Int) {
        let bytes = LogHarness.draft(key, size: size).storedBytes
        messages[key] = (position, bytes)
        log.retain(position, bytes: bytes)
    }

    private func forget(_ key: UInt64) {
        guard let (position, bytes) = messages.removeValue(forKey: key) else { return }
        log.release(position, bytes: bytes)
    }

    /// Reads a message's body back, running the loop.
    func read(_ key: UInt64) -> Result<LogRecord, StorageError>? {
        guard let (position, bytes) = messages[key] else { return nil }
        return read(position, bytes)
    }

    func read(_ position: RecordPosition, _ bytes: Int = 0) -> Result<LogRecord, StorageError>? {
        let box = Box<Result<LogRecord, StorageError>>()
        log.read(position, expectedBytes: bytes, on: loop) { box.value = $0 }
        loop.run()
        return box.value
    }

    /// Takes a checkpoint to its end, running the loop.
    @discardableResult
    func checkpoint() -> Result<Void, StorageError>? {
        let box = Box<Result<Void, StorageError>>()
        beginCheckpoint { box.value = $0 }
        loop.run()
        return box.value
    }

    func beginCheckpoint(_ done: @escaping @Sendable (Result<Void, StorageError>) -> Void = { _ in }) {
        let confined = LoopConfined(self, to: loop)
        log.append([], .synced, on: loop) { result in
            switch result {
            case .success(let receipt):
                confined.value.lastSynced = max(confined.value.lastSynced, receipt.lastLSN)
                confined.value.writeCheckpoint(done)
            case .failure(let error): done(.failure(error))
            }
        }
    }

    private func writeCheckpoint(_ done: @escaping @Sendable (Result<Void, StorageError>) -> Void) {
        let writer = log.beginCheckpoint(through: lastSynced)
        var chunk: [UInt8] = []
        for (key, (position, bytes)) in messages.sorted(by: { $0.key < $1.key }) {
            for number in [key, position.packed, UInt64(bytes)] { for shift in 0..<8 { chunk.append(UInt8(truncatingIfNeeded: number >> (8 * UInt64(shift)))) } }
        }
        let questioned = writer.questioned
        writer.keep(messages.values.map(\.position).filter { questioned.contains($0.segment) })
        let loop = loop
        writer.write(chunk, on: loop) { writer.finish(on: loop, completion: done) }
    }

    func close() {
        log.close(on: loop) {}
        loop.run()
    }

    // MARK: LogOwner

    func checkpointDue() {
        checkpointsDue += 1
        if checkpointsAreTaken { beginCheckpoint() }
    }

    func moved(_ list: [RecordMove], done: @escaping @Sendable () -> Void) {
        defer { done() }
        let targets = Dictionary(uniqueKeysWithValues: list.map { ($0.from, $0.to) })
        for (key, (position, bytes)) in messages {
            guard let target = targets[position] else { continue }
            messages[key] = (target, bytes)
            log.retain(target, bytes: bytes)
            log.release(position, bytes: bytes)
            moves += 1
        }
    }

    func stateChanged(_ state: LogState) { states.append(state) }
}

/// A value set by a completion.
///
/// Unchecked: used by one thread.
final class Box<Value>: @unchecked Sendable {
    var value: Value?
}

import Glibc
import Ports
import Storage
import Synchronization
import Testing

/// A directory of its own for a test, removed at the end.
private final class Scratch {
    let path: String

    init() throws {
        var template = Array("/tmp/baton-storage-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } }
        path = try #require(made)
    }

    deinit { Scratch.remove(path) }

    private static func remove(_ path: String) {
        if let stream = opendir(path) {
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                if name != "." && name != ".." { remove("\(path)/\(name)") }
            }
            closedir(stream)
        }
        if unlink(path) != 0 { rmdir(path) }
    }
}

/// A loop on the thread that made it; other threads hand jobs to it.
private final class WaitingLoop: Loop {
    private let jobs = Mutex<[@Sendable () -> Void]>([])
    private nonisolated(unsafe) let wake = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(wake, 0, 0) }

    deinit {
        sem_destroy(wake)
        wake.deallocate()
    }

    var now: Timestamp { Timestamp(seconds: 1_800_000_000) }
    var isCurrent: Bool { true }

    func execute(_ job: @escaping @Sendable () -> Void) {
        jobs.withLock { $0.append(job) }
        sem_post(wake)
    }

    func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer { LoopTimer {} }

    func runOne() {
        sem_wait(wake)
        let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        job?()
    }
}

@Suite("File system")
struct FileSystemTests {
    private static func settings() -> LogSettings {
        var settings = LogSettings()
        settings.segmentBytes = 256 << 10
        return settings
    }

    private func open(_ path: String, _ executor: any StorageExecutor,
                      replay: @escaping (RecoveredRecord) -> Void = { _ in }) throws -> (log: Log, report: RecoveryReport) {
        try Log.open(files: POSIXFileLayer(path: path), executor: executor, settings: FileSystemTests.settings(), random: TestRandom(seed: 3),
                     knows: { _, _ in true }) { item in
            if case .record(let record) = item { replay(record) }
        }
    }

    private func executor() -> ThreadedStorageExecutor { ThreadedStorageExecutor { Timestamp(seconds: 1_800_000_000) } }

    @Test("The log works with its threads on a real file system, and two daemons never share a spool")
    func realFiles() throws {
        let scratch = try Scratch()
        let loop = WaitingLoop()
        let threads = executor()
        let (log, _) = try open(scratch.path, threads)
        let done = Box<Int>()
        done.value = 0
        let positions = Box<[RecordPosition]>()
        positions.value = []
        for key in 1...500 as ClosedRange<UInt64> {
            log.append([LogHarness.draft(key, size: Int(key) * 50)], key % 3 == 0 ? .written : .synced, on: loop) { result in
                if case .success(let receipt) = result { positions.value?.append(receipt.positions[0]) }
                done.value = (done.value ?? 0) + 1
            }
        }
        while done.value != 500 { loop.runOne() }
        #expect(positions.value?.count == 500)
        #expect(throws: LogOpenError.locked) { try open(scratch.path, threads) }
        let read = Box<LogRecord>()
        log.read(try #require(positions.value?[100]), on: loop) { read.value = try? $0.get() }
        while read.value == nil { loop.runOne() }
        #expect(read.value?.body == LogHarness.body(try #require(read.value?.messageKey), Int(try #require(read.value?.messageKey)) * 50))
        let closed = Box<Bool>()
        log.close(on: loop) { closed.value = true }
        while closed.value == nil { loop.runOne() }
        threads.shutdown()
        let others = executor()
        let keys = Box<[UInt64]>()
        keys.value = []
        let (again, report) = try open(scratch.path, others) { keys.value?.append($0.messageKey) }
        #expect(keys.value == Array(1...500))
        #expect(report.damage.isEmpty && !report.tornTail)
        #expect(again.incarnation == 2)
        others.shutdown()
    }

    @Test("Nothing in the spool is followed or opened that is not a regular file with one name",
          arguments: ["symlink", "dangling", "fifo", "hardlink", "directory"])
    func strangeFiles(kind: String) throws {
        let scratch = try Scratch()
        let outside = try Scratch()
        let target = "\(outside.path)/target"
        let descriptor = creat(target, 0o600)
        let secret = [UInt8](repeating: 0x55, count: 256 << 10)
        #expect(write(descriptor, secret, secret.count) == secret.count)
        close(descriptor)
        let names = ["segment-00000005", "spare-00000006", "bodies-00000007", "checkpoint-0000010000000009", "checkpoint-0000010000000008.new"]
        for name in names {
            let path = "\(scratch.path)/\(name)"
            let result = switch kind {
            case "symlink": symlink(target, path)
            case "dangling": symlink("\(outside.path)/new", path)
            case "fifo": mkfifo(path, 0o600)
            case "hardlink": link(target, path)
            default: mkdir(path, 0o700)
            }
            #expect(result == 0)
        }
        let threads = executor()
        let loop = WaitingLoop()
        let (log, report) = try open(scratch.path, threads)
        #expect(report.damage.count == 5, "\(report.damage)")
        let done = Box<Bool>()
        log.append([LogHarness.draft(1, size: 100)], .synced, on: loop) { if case .success = $0 { done.value = true } else { done.value = false } }
        while done.value == nil { loop.runOne() }
        #expect(done.value == true)
        threads.shutdown()
        let after = Glibc.open(target, O_RDONLY)
        var bytes = [UInt8](repeating: 0, count: secret.count)
        #expect(read(after, &bytes, bytes.count) == secret.count)
        close(after)
        #expect(bytes == secret)
        #expect(access("\(outside.path)/new", F_OK) != 0)
    }

    @Test("A spool that is a symbolic link is refused")
    func linkedSpool() throws {
        let scratch = try Scratch()
        #expect(mkdir("\(scratch.path)/real", 0o700) == 0)
        #expect(symlink("real", "\(scratch.path)/spool") == 0)
        #expect(throws: FileError.self) { try POSIXFileLayer(path: "\(scratch.path)/spool") }
    }
}

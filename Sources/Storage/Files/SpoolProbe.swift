import Glibc

/// Why a directory is no place for a log.
public enum SpoolHazard: Hashable, Sendable, CustomStringConvertible {
    /// Nothing can be written there.
    case readOnly
    /// The file system is in memory: a power cut takes all of it.
    case inMemory(fileSystem: String)
    /// The file system was told not to flush the disk's cache.
    case mountedUnsafely(option: String)
    /// A sync comes back sooner than any disk can answer: something makes it do nothing.
    case syncDoesNothing(nanoseconds: UInt64)

    /// What is wrong, for a person.
    public var description: String {
        switch self {
        case .readOnly: "its file system is read-only"
        case .inMemory(let name): "it is on \(name), in memory: what was accepted would be lost with the power"
        case .mountedUnsafely(let option): "its file system is mounted with `\(option)`: what was accepted could be lost with the power"
        case .syncDoesNothing(let nanoseconds):
            "a sync there takes \(nanoseconds) ns, which no disk can do: what was accepted could be lost with the power (libeatmydata?)"
        }
    }
}

/// Finds out whether a directory keeps what was synced, as far as a program can.
///
/// A disk, hypervisor or controller that lies about its cache cannot be told from one that is fast.
public enum SpoolProbe {
    private static let name = "probe.new"
    private static let syncs = 15
    /// The fastest storage there is takes several times as long for a block and a flush.
    private static let fastestSync: UInt64 = 2500
    private static let memoryFileSystems: Set<String> = ["tmpfs", "ramfs", "rootfs"]
    private static let unsafeOptions: Set<String> = ["volatile", "nobarrier", "barrier=0"]

    /// Writes and syncs a small file in the directory at `path`; nil when nothing speaks against it.
    public static func hazard(ofDirectory path: String) throws(FileError) -> SpoolHazard? {
        let number = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw FileError("open", path, errno: errno) }
        let directory = Descriptor(number)
        var status = stat()
        guard fstat(directory.number, &status) == 0 else { throw FileError("stat", path, errno: errno) }
        let mount = Mount.find(device: UInt64(status.st_dev), in: mountTable())
        let measured: [UInt64]
        do throws(FileError) {
            measured = try measureSyncs(in: directory)
        } catch {
            if error.errno == EROFS { return .readOnly }
            // A full disk is found out, and waited for, in operation.
            if error.errno == ENOSPC || error.errno == EDQUOT { measured = [] } else { throw error }
        }
        return judge(mount, syncs: measured)
    }

    /// What a file system and the times of some syncs in nanoseconds mean.
    static func judge(_ mount: Mount?, syncs: [UInt64]) -> SpoolHazard? {
        if let mount {
            if memoryFileSystems.contains(mount.fileSystem) { return .inMemory(fileSystem: mount.fileSystem) }
            if let option = mount.options.first(where: unsafeOptions.contains) { return .mountedUnsafely(option: option) }
        }
        guard !syncs.isEmpty else { return nil }
        let median = syncs.sorted()[syncs.count / 2]
        return median < fastestSync ? .syncDoesNothing(nanoseconds: median) : nil
    }

    private static func measureSyncs(in directory: Descriptor) throws(FileError) -> [UInt64] {
        _ = unlinkat(directory.number, name, 0)
        let number = openat(directory.number, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw FileError("create", name, errno: errno) }
        let file = Descriptor(number)
        defer { _ = unlinkat(directory.number, name, 0) }
        var times: [UInt64] = []
        for round in 0...syncs {
            let block = [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: 4096)
            guard pwrite(file.number, block, block.count, 0) == block.count else { throw FileError("write", name, errno: errno) }
            let start = monotonicNanoseconds()
            guard fdatasync(file.number) == 0 else { throw FileError("sync", name, errno: errno) }
            // The first one also allocates.
            if round > 0 { times.append(monotonicNanoseconds() &- start) }
        }
        return times
    }

    private static func mountTable() -> String {
        let number = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return "" }
        let file = Descriptor(number)
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < 1 << 22 {
            let count = read(file.number, &block, block.count)
            guard count > 0 else { break }
            bytes += block[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func monotonicNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}

/// A mounted file system, as `/proc/self/mountinfo` tells it (proc(5)).
struct Mount: Hashable, Sendable {
    let fileSystem: String
    let options: [String]

    /// The file system on a device; nil where the table does not name it.
    static func find(device: UInt64, in table: String) -> Mount? {
        let major = (device >> 8) & 0xfff | (device >> 32) & ~0xfff
        let minor = device & 0xff | (device >> 12) & ~0xff
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            guard fields.count > 6, fields[2] == "\(major):\(minor & 0xffff_ffff)",
                  let dash = fields.firstIndex(of: "-"), fields.count > dash + 3 else { continue }
            let options = fields[5].split(separator: ",") + fields[dash + 3].split(separator: ",")
            return Mount(fileSystem: String(fields[dash + 1]), options: options.map(String.init))
        }
        return nil
    }
}

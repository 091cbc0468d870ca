import Glibc
@testable import Storage
import Testing

@Suite("The probe of the spool's file system")
struct SpoolProbeTests {
    private static let table = """
        25 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
        30 25 0:26 / /dev/shm rw,nosuid shared:4 - tmpfs tmpfs rw,size=1g
        31 25 0:41 / /var/lib/x rw - overlay overlay rw,lowerdir=/a,volatile
        """

    @Test("a file system is found by its device")
    func mounts() {
        #expect(Mount.find(device: 254 << 8, in: Self.table) == Mount(fileSystem: "ext4", options: ["rw", "relatime", "rw", "discard"]))
        #expect(Mount.find(device: 26, in: Self.table)?.fileSystem == "tmpfs")
        #expect(Mount.find(device: 41, in: Self.table)?.options.contains("volatile") == true)
        #expect(Mount.find(device: 99, in: Self.table) == nil)
        #expect(Mount.find(device: 26, in: "a b 0:26\n\n - \n1 2 0:26 / / rw -") == nil)
    }

    @Test("memory, careless mounts and syncs that do nothing are told from disks")
    func judge() {
        let disk = Mount.find(device: 254 << 8, in: Self.table)
        #expect(SpoolProbe.judge(Mount.find(device: 26, in: Self.table), syncs: [500_000]) == .inMemory(fileSystem: "tmpfs"))
        #expect(SpoolProbe.judge(Mount.find(device: 41, in: Self.table), syncs: [500_000]) == .mountedUnsafely(option: "volatile"))
        #expect(SpoolProbe.judge(disk, syncs: [300, 90_000, 400]) == .syncDoesNothing(nanoseconds: 400))
        #expect(SpoolProbe.judge(disk, syncs: [9000, 11_000, 300]) == nil)
        #expect(SpoolProbe.judge(nil, syncs: []) == nil)
    }

    @Test("a directory in memory is refused, one on a disk is not", arguments: ["/dev/shm", "/var/tmp"])
    func directories(_ parent: String) throws {
        var template = Array("\(parent)/baton-probe-XXXXXX".utf8CString)
        // Not every machine has both.
        guard mkdtemp(&template) != nil else { return }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { rmdir(path) }
        let hazard = try SpoolProbe.hazard(ofDirectory: path)
        if parent == "/dev/shm" { #expect(hazard != nil) } else { #expect(hazard == nil || hazard != .readOnly) }
        #expect(access(path + "/probe.new", F_OK) != 0, "the probe leaves nothing behind")
    }

    @Test("a directory that is not there is an error")
    func missing() { #expect(throws: FileError.self) { try SpoolProbe.hazard(ofDirectory: "/var/tmp/there-is-no-such-directory") } }
}

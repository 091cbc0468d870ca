/// Keeps copies of what was damaged, for people to look at; nothing is ever deleted from it.
struct Quarantine: Sendable {
    /// The directory's name in the spool.
    static let directory = "quarantine"
    private static let maxCopy: UInt64 = 64 << 20

    let files: any FileLayer

    /// Keeps `bytes` under a name of their own.
    func keep(_ bytes: [UInt8], name: String) throws(FileError) {
        let directory = try files.subdirectory(Quarantine.directory)
        if try directory.list().contains(where: { $0.name == name }) { return }
        let target = try directory.create(name)
        try target.write(bytes, at: 0)
        try target.synchronize()
        try directory.synchronizeNames()
    }

    /// Copies a range of `file`, once, and says in words where it is.
    func keep(_ range: Range<UInt64>, of file: any StorageFile, name: String) -> (text: String, isKept: Bool) {
        let copy = "\(name)-\(range.lowerBound)"
        let what = "\(name) bytes \(range.lowerBound) to \(range.upperBound)"
        do throws(FileError) {
            let directory = try files.subdirectory(Quarantine.directory)
            if try directory.list().contains(where: { $0.name == copy }) { return ("\(what), kept in quarantine/\(copy)", true) }
            let target = try directory.create(copy)
            let end = min(range.upperBound, range.lowerBound + Quarantine.maxCopy)
            var offset = range.lowerBound
            while offset < end {
                let bytes = try file.bytes(at: offset, count: Int(min(end - offset, 1 << 20)))
                if bytes.isEmpty { break }
                try target.write(bytes, at: offset - range.lowerBound)
                offset += UInt64(bytes.count)
            }
            try target.synchronize()
            try directory.synchronizeNames()
            return ("\(what), kept in quarantine/\(copy)", true)
        } catch {
            return ("\(what), not copied: \(error)", false)
        }
    }
}

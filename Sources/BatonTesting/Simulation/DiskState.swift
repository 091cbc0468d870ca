import Ports

/// One thing that was done to a simulated disk.
public enum DiskOperation: Hashable, Sendable {
    /// A file got a name.
    case create(directory: String, name: String, inode: Int)
    /// Bytes were written.
    case write(inode: Int, offset: Int, bytes: [UInt8])
    /// A file grew.
    case allocate(inode: Int, bytes: Int)
    /// A file was synced.
    case synchronize(inode: Int)
    /// A sync of a file failed: what was not synced stays readable and will never reach the disk.
    case failToSynchronize(inode: Int)
    /// A name was changed.
    case rename(directory: String, from: String, to: String)
    /// A name was removed.
    case remove(directory: String, name: String)
    /// The names of a directory were synced.
    case synchronizeNames(directory: String)
    /// A directory was made; simulated as durable at once.
    case makeDirectory(path: String)
}

/// What a power cut leaves of that which was not synced.
public enum PowerCut: Hashable, Sendable {
    /// Everything: only the process died.
    case keepingEverything
    /// Nothing.
    case losingEverything
    /// Of the last `window` unsynced operations those whose bit is set, the oldest in bit 0; of the older ones all.
    case keeping(mask: UInt64, window: Int)
    /// A random part, in random order, with some writes torn.
    case random(seed: UInt64)
}

/// Files and names, as programs see them and as a power cut would leave them.
public struct DiskState: Sendable {
    struct Inode: Sendable {
        var content: [UInt8] = []
        var durable: [UInt8] = []
        var pending: [(order: Int, write: PendingWrite)] = []
    }

    enum PendingWrite: Sendable {
        case bytes(offset: Int, [UInt8])
        case size(Int)
    }

    struct Directory: Sendable {
        var names: [String: Int] = [:]
        var durable: [String: Int] = [:]
        var pending: [(order: Int, change: NameChange)] = []
    }

    struct NameChange: Sendable {
        var removed: String?
        var added: String?
        let inode: Int
    }

    private(set) var inodes: [Int: Inode] = [:]
    private(set) var directories: [String: Directory] = ["": Directory()]
    private(set) var nextInode = 1
    private var nextOrder = 0

    /// An empty disk.
    public init() {}

    /// Bytes in all files that have a name.
    public var usedBytes: Int {
        directories.values.reduce(0) { sum, directory in
            directory.names.values.reduce(sum) { $0 + (inodes[$1]?.content.count ?? 0) }
        }
    }

    /// The name that a file has now, without its directory.
    func name(of inode: Int) -> String? {
        for directory in directories.values {
            if let name = directory.names.first(where: { $0.value == inode }) { return name.key }
        }
        return nil
    }

    /// How many operations are not synced.
    public var unsynced: Int {
        inodes.values.reduce(0) { $0 + $1.pending.count } + directories.values.reduce(0) { $0 + $1.pending.count }
    }

    /// Does `operation`; it must have been possible.
    public mutating func apply(_ operation: DiskOperation) {
        nextOrder += 1
        switch operation {
        case .create(let directory, let name, let inode):
            inodes[inode] = Inode()
            nextInode = max(nextInode, inode + 1)
            change(directory, NameChange(removed: nil, added: name, inode: inode))
        case .write(let inode, let offset, let bytes):
            write(.bytes(offset: offset, bytes), to: inode)
        case .allocate(let inode, let bytes):
            write(.size(bytes), to: inode)
        case .synchronize(let inode):
            // Write by write: what a failed sync gave up is in `content` and must not get durable now.
            guard var file = inodes.removeValue(forKey: inode) else { return }
            for (_, write) in file.pending { DiskState.put(write, into: &file.durable) }
            file.pending = []
            inodes[inode] = file
        case .failToSynchronize(let inode):
            inodes[inode]?.pending = []
        case .rename(let directory, let from, let to):
            guard let inode = directories[directory]?.names[from] else { return }
            change(directory, NameChange(removed: from, added: to, inode: inode))
        case .remove(let directory, let name):
            guard let inode = directories[directory]?.names[name] else { return }
            change(directory, NameChange(removed: name, added: nil, inode: inode))
        case .synchronizeNames(let directory):
            guard var names = directories.removeValue(forKey: directory) else { return }
            names.durable = names.names
            names.pending = []
            directories[directory] = names
        case .makeDirectory(let path):
            if directories[path] == nil { directories[path] = Directory() }
        }
    }

    private mutating func write(_ write: PendingWrite, to inode: Int) {
        guard var file = inodes.removeValue(forKey: inode) else { return }
        DiskState.put(write, into: &file.content)
        file.pending.append((nextOrder, write))
        inodes[inode] = file
    }

    private mutating func change(_ directory: String, _ change: NameChange) {
        guard var names = directories.removeValue(forKey: directory) else { return }
        DiskState.put(change, into: &names.names)
        names.pending.append((nextOrder, change))
        directories[directory] = names
    }

    // MARK: Power cuts

    /// The disk as the next start finds it after `cut`.
    public func after(_ cut: PowerCut) -> DiskState {
        var state = self
        if cut == .keepingEverything {
            for (inode, file) in inodes { state.inodes[inode] = Inode(content: file.content, durable: file.content) }
            for (path, names) in directories { state.directories[path] = Directory(names: names.names, durable: names.names) }
            return state
        }
        var fate = Fate(cut, orders: pendingOrders)
        for inode in inodes.keys.sorted() {
            guard var file = inodes[inode] else { continue }
            for (order, write) in file.pending {
                if let kept = fate.kept(write, order) { DiskState.put(kept, into: &file.durable) }
            }
            file.content = file.durable
            file.pending = []
            state.inodes[inode] = file
        }
        for path in directories.keys.sorted() {
            guard var directory = directories[path] else { continue }
            for (order, change) in directory.pending where fate.keeps(order) { DiskState.put(change, into: &directory.durable) }
            directory.names = directory.durable
            directory.pending = []
            state.directories[path] = directory
        }
        let named = Set(state.directories.values.flatMap(\.names.values))
        state.inodes = state.inodes.filter { named.contains($0.key) }
        return state
    }

    private var pendingOrders: [Int] {
        (inodes.values.flatMap { $0.pending.map(\.order) } + directories.values.flatMap { $0.pending.map(\.order) }).sorted()
    }

    /// Decides what survives.
    private struct Fate {
        private let cut: PowerCut
        private let orders: [Int]
        private let random: SeededRandom

        init(_ cut: PowerCut, orders: [Int]) {
            self.cut = cut
            self.orders = orders
            if case .random(let seed) = cut { random = SeededRandom(seed: seed) } else { random = SeededRandom(seed: 0) }
        }

        mutating func keeps(_ order: Int) -> Bool {
            switch cut {
            case .keepingEverything: return true
            case .losingEverything: return false
            case .random: return random.next() & 1 == 0
            case .keeping(let mask, let window):
                let place = (orders.firstIndex(of: order) ?? 0) - max(0, orders.count - window)
                return place < 0 || mask >> UInt64(place) & 1 != 0
            }
        }

        mutating func kept(_ write: PendingWrite, _ order: Int) -> PendingWrite? {
            guard keeps(order) else { return nil }
            guard case .random = cut, case .bytes(let offset, let bytes) = write, !bytes.isEmpty, random.next() & 3 == 0 else { return write }
            // Torn: a part from the middle arrived.
            let start = Int(random.next() % UInt64(bytes.count))
            let end = start + Int(random.next() % UInt64(bytes.count - start + 1))
            return random.next() & 1 == 0 ? .bytes(offset: offset, Array(bytes[..<end])) : .bytes(offset: offset + start, Array(bytes[start..<end]))
        }
    }

    private static func put(_ write: PendingWrite, into bytes: inout [UInt8]) {
        switch write {
        case .size(let size):
            if bytes.count < size { bytes += [UInt8](repeating: 0, count: size - bytes.count) }
        case .bytes(let offset, let new):
            let end = offset + new.count
            if bytes.count < end { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
            // Copied as memory: the simulation writes a great many bytes, often in a debug build.
            bytes.withUnsafeMutableBytes { target in
                new.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: target[offset..<end]).copyMemory(from: $0) }
            }
        }
    }

    private static func put(_ change: NameChange, into names: inout [String: Int]) {
        // Names whose earlier changes were lost may stand for something else by now.
        if let removed = change.removed, names[removed] == change.inode { names[removed] = nil }
        if let added = change.added { names[added] = change.inode }
    }
}

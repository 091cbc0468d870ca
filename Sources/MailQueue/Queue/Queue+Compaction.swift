import Events
import Ports
import Storage

/// The files that a checkpoint wants to free, for many positions to be looked up in.
struct QuestionedFiles {
    private let files: Set<UInt32>
    private let range: ClosedRange<UInt32>?

    init(_ files: Set<UInt32>) {
        self.files = files
        range = files.min().flatMap { lowest in files.max().map { lowest...$0 } }
    }

    func contains(_ position: RecordPosition) -> Bool {
        // A million positions are asked about: the set is looked at for those in question only.
        range?.contains(position.segment) == true && files.contains(position.segment)
    }

    func among(_ positions: [RecordPosition]) -> [RecordPosition] { positions.filter(contains) }
}

extension Queue {
    /// Records that are given their new places in one turn of the loop: a few milliseconds' work.
    private static let movesAtOnce = 4096

    /// Adds every record of a message that may still be read and lies in one of the files.
    func addPositions(of slot: UInt32, in files: QuestionedFiles, to positions: inout [RecordPosition]) {
        let message = table[slot]
        if files.contains(message.position) { positions.append(message.position) }
        if message.lastEventBytes > 0, files.contains(message.lastEvent) { positions.append(message.lastEvent) }
        if message.extra != .none { positions += files.among(table.chunks(of: slot).map(\.position)) }
    }

    public func moved(_ moves: [RecordMove], done: @escaping @Sendable () -> Void) { move(moves[...], done) }

    private func move(_ moves: ArraySlice<RecordMove>, _ done: @escaping @Sendable () -> Void) {
        for move in moves.prefix(Queue.movesAtOnce) { carryOut(move) }
        let rest = moves.dropFirst(Queue.movesAtOnce)
        if rest.isEmpty { done() } else { core.execute { self.move(rest, done) } }
    }

    private func carryOut(_ move: RecordMove) {
        let id = QueueID(rawValue: move.messageKey)
        func relocate(_ position: inout RecordPosition, _ bytes: UInt32) {
            guard position == move.from else { return }
            log.retain(move.to, bytes: Int(bytes))
            log.release(position, bytes: Int(bytes))
            position = move.to
        }
        if let slot = table.slot(of: id) {
            relocate(&table[slot].position, table[slot].storedBytes)
            if table[slot].lastEventBytes > 0 { relocate(&table[slot].lastEvent, table[slot].lastEventBytes) }
            let extra = table[slot].extra
            guard extra != .none else { return }
            for index in table.extras[extra].chunks.indices {
                let bytes = table.extras[extra].chunks[index].storedBytes
                relocate(&table.extras[extra].chunks[index].position, bytes)
            }
        } else if var upload = uploads[id] {
            for index in upload.chunks.indices { relocate(&upload.chunks[index].position, upload.chunks[index].storedBytes) }
            uploads[id] = upload
        }
    }
}

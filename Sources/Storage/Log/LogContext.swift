import Ports

/// What the parts of an open log share.
final class LogContext: Sendable {
    let files: any FileLayer
    let archives: any FileLayer
    let executor: any StorageExecutor
    let settings: LogSettings
    let uuid: LogUUID
    let incarnation: UInt32
    let table: SegmentTable

    init(files: any FileLayer, archives: any FileLayer, executor: any StorageExecutor, settings: LogSettings, uuid: LogUUID,
         incarnation: UInt32, table: SegmentTable) {
        self.files = files
        self.archives = archives
        self.executor = executor
        self.settings = settings
        self.uuid = uuid
        self.incarnation = incarnation
        self.table = table
    }

    /// A header for a file of this log.
    func header(_ purpose: FileHeader.Purpose, number: UInt32, firstLSN: LSN, fileBytes: UInt64) -> FileHeader {
        FileHeader(purpose: purpose, uuid: uuid, number: number, incarnation: incarnation, firstLSN: firstLSN, created: executor.now,
                   fileBytes: fileBytes, release: settings.release)
    }
}

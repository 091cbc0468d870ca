import Ports

/// Keeps the tally of TLS sessions over restarts; confined to one loop.
public final class TLSReportCounters: @unchecked Sendable {
    private let loop: any Loop
    private let file: (any StateFile)?
    private let saveInterval: Duration
    private var timer: LoopTimer?

    /// What was counted.
    public private(set) var tally: TLSReportTally

    /// Counters that continue with what `file` holds and write it back at most once per `saveInterval`.
    public init(loop: any Loop, file: (any StateFile)?, limits: TLSReportTally.Limits = TLSReportTally.Limits(),
                saveInterval: Duration = .minutes(5)) {
        self.loop = loop
        self.file = file
        self.saveInterval = saveInterval
        tally = TLSReportTally(decoding: file?.read() ?? [], limits: limits)
    }

    /// Counts one session with `policy`: a success, or the way it failed.
    public func count(_ policy: TLSReport.Policy, _ failure: TLSReport.Failure?) {
        tally.count(policy, failure, at: loop.now)
        guard timer == nil, file != nil else { return }
        timer = loop.schedule(at: loop.now + saveInterval) { self.save() }
    }

    /// Writes what is not yet written, as at the end of the process.
    public func save() {
        guard let timer else { return }
        timer.cancel()
        self.timer = nil
        file?.write(tally.encoded)
    }
}

/// A small file that keeps what a service knows over a restart.
///
/// Used from one loop. A file that is lost costs what it kept and nothing else.
public protocol StateFile: AnyObject {
    /// What was written last; nil when there is nothing.
    func read() -> [UInt8]?
    /// Replaces the content, whole or not at all; a failure is for the file to report.
    func write(_ content: [UInt8])
}

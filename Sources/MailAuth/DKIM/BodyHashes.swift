import Cryptography

/// The hashes of one message's body, computed while it arrives (RFC 6376 §3.7).
///
/// Everybody who verifies or makes a signature over the body asks for a hash before the first chunk;
/// equal requests share one computation, so that the body is canonicalized and hashed once for each pair
/// of canonicalization and function, whatever the number of signatures.
public final class BodyHashes {
    /// A hash that was asked for.
    public struct Request: Hashable, Sendable {
        fileprivate let stream: Int
        fileprivate let limit: UInt64?
    }

    /// A hash, and how much of the body it covers.
    public struct Value: Hashable, Sendable {
        /// The hash.
        public let hash: [UInt8]
        /// Octets of the whole canonical body.
        public let bodyOctets: UInt64
    }

    private var streams: [BodyHashStream] = []

    /// Hashes of a body of which nothing has come.
    public init() {}

    /// Whether nobody asked for a hash, so that the body need not be given.
    public var isEmpty: Bool { streams.isEmpty }

    /// Asks for the hash of the body, or of its first `limit` canonical octets (`l=`).
    ///
    /// To be called before the first `receive`.
    public func request(_ canonicalization: Canonicalization, _ function: HashFunction, limit: UInt64? = nil) -> Request {
        let index = streams.firstIndex { $0.canonicalization == canonicalization && $0.function == function } ?? streams.count
        if index == streams.count { streams.append(BodyHashStream(canonicalization, function)) }
        if let limit { streams[index].addLimit(limit) }
        return Request(stream: index, limit: limit)
    }

    /// Takes the next octets of the body, as they are in the message: lines end in CRLF.
    public func receive(_ chunk: UnsafeRawBufferPointer) {
        for stream in streams { stream.receive(chunk) }
    }

    /// Takes the next octets of the body.
    public func receive(_ chunk: ArraySlice<UInt8>) { chunk.withUnsafeBytes { receive($0) } }

    /// Takes the next octets of the body.
    public func receive(_ chunk: [UInt8]) { chunk.withUnsafeBytes { receive($0) } }

    /// The body has ended; harmless the second time.
    public func finish() {
        for stream in streams { stream.finish() }
    }

    /// The hash that was asked for; after `finish`.
    public func value(_ request: Request) -> Value {
        guard streams.indices.contains(request.stream) else { return Value(hash: [], bodyOctets: 0) }
        return streams[request.stream].value(limit: request.limit)
    }
}

/// One canonicalization and hash of a body.
private final class BodyHashStream {
    let canonicalization: Canonicalization
    let function: HashFunction
    private var canonicalizer: BodyCanonicalizer
    private var sink: BodyHashSink
    private var whole: [UInt8]?

    init(_ canonicalization: Canonicalization, _ function: HashFunction) {
        self.canonicalization = canonicalization
        self.function = function
        canonicalizer = BodyCanonicalizer(canonicalization)
        sink = BodyHashSink(function)
    }

    func addLimit(_ limit: UInt64) { sink.addLimit(limit) }

    func receive(_ chunk: UnsafeRawBufferPointer) {
        if whole == nil { canonicalizer.receive(chunk, into: &sink) }
    }

    func finish() {
        guard whole == nil else { return }
        canonicalizer.finish(into: &sink)
        whole = sink.finish()
    }

    func value(limit: UInt64?) -> BodyHashes.Value {
        let hash = limit.flatMap { sink.partial[$0] } ?? whole ?? []
        return BodyHashes.Value(hash: hash, bodyOctets: sink.octets)
    }
}

/// Hashes canonical octets: long runs where they lie, short ones together.
private struct BodyHashSink: CanonicalSink {
    private let stream: HashStream
    private var staged: [UInt8] = []
    /// Octets so far.
    private(set) var octets: UInt64 = 0
    /// The limits that are not reached yet, the lowest last.
    private var limits: [UInt64] = []
    /// The hashes at the limits that were reached.
    private(set) var partial: [UInt64: [UInt8]] = [:]

    /// A shorter run costs less to copy than to hash by itself.
    private static let shortRun = 512
    private static let stagedMax = 8192

    init(_ function: HashFunction) {
        stream = HashStream(function)
        staged.reserveCapacity(BodyHashSink.stagedMax)
    }

    mutating func addLimit(_ limit: UInt64) {
        guard !limits.contains(limit) else { return }
        limits.append(limit)
        limits.sort(by: >)
    }

    mutating func write(_ run: UnsafeRawBufferPointer) {
        var rest = run
        while let limit = limits.last, limit - octets <= UInt64(rest.count) {
            let count = Int(limit - octets)
            add(UnsafeRawBufferPointer(rebasing: rest[..<count]))
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            reach(limit)
        }
        add(rest)
    }

    mutating func finish() -> [UInt8] {
        flush()
        if limits.last == 0 { reach(0) }
        return stream.finish()
    }

    private mutating func reach(_ limit: UInt64) {
        flush()
        partial[limit] = stream.snapshot()
        limits.removeLast()
    }

    @inline(__always)
    private mutating func add(_ run: UnsafeRawBufferPointer) {
        octets += UInt64(run.count)
        if run.count >= BodyHashSink.shortRun {
            flush()
            stream.update(run)
        } else {
            if staged.count + run.count > BodyHashSink.stagedMax { flush() }
            staged.append(contentsOf: run)
        }
    }

    private mutating func flush() {
        guard !staged.isEmpty else { return }
        stream.update(staged)
        staged.removeAll(keepingCapacity: true)
    }
}

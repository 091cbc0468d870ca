import Events
import MailQueue
import Ports

/// Where a copy of a message is written to; its calls are made on the executor, one after the other.
protocol MessageSink: AnyObject, Sendable {
    /// Makes the place for the copy.
    func begin() throws(MailboxFileError)
    /// Adds bytes of the message.
    func write(_ bytes: [UInt8]) throws(MailboxFileError)
    /// Makes the copy durable and visible.
    func finish() throws(MailboxFileError)
    /// Takes back what was written.
    func abandon()
}

/// Why a copy was not made.
enum DropError: Error, Hashable, Sendable {
    case files(MailboxFileError)
    case content(ContentError)
}

/// Writes one copy of a message into a sink: reads on the loop, writes on the executor.
///
/// What is in memory goes in one job, so that a small message costs one trip to the executor and back.
/// Confined to its loop.
final class MessageDrop: @unchecked Sendable {
    private let content: MessageContent
    private let sink: any MessageSink
    private let loop: any Loop
    private let executor: any MailboxExecutor
    private let completion: (DropError?) -> Void
    private var isBegun = false

    init(_ content: MessageContent, into sink: any MessageSink, loop: any Loop, executor: any MailboxExecutor,
         completion: @escaping (DropError?) -> Void) {
        self.content = content
        self.sink = sink
        self.loop = loop
        self.executor = executor
        self.completion = completion
    }

    /// Begins; `completion` is called once, on the loop, later.
    func start() { advance(from: 0, [content.prefix]) }

    private func advance(from index: Int, _ pieces: [[UInt8]]) {
        var index = index
        var pieces = pieces
        while content.parts.indices.contains(index), case .memory(let bytes) = content.parts[index] {
            pieces.append(bytes)
            index += 1
        }
        let next = index
        let isLast = index >= content.parts.count
        let begins = !isBegun
        isBegun = true
        let (ready, sink, loop) = (pieces, sink, loop)
        executor.submit {
            let error = MessageDrop.perform(sink, begins: begins, ready, finishes: isLast)
            loop.execute { self.wrote(error, isLast: isLast, next: next) }
        }
    }

    private static func perform(_ sink: any MessageSink, begins: Bool, _ pieces: [[UInt8]], finishes: Bool) -> MailboxFileError? {
        do throws(MailboxFileError) {
            if begins { try sink.begin() }
            for piece in pieces { try sink.write(piece) }
            if finishes { try sink.finish() }
            return nil
        } catch {
            sink.abandon()
            return error
        }
    }

    private func wrote(_ error: MailboxFileError?, isLast: Bool, next: Int) {
        if let error { return completion(.files(error)) }
        if isLast { return completion(nil) }
        content.read(part: next, on: loop) { result in
            switch result {
            case .success(let bytes): self.advance(from: next + 1, [bytes])
            case .failure(let error): self.abandon(error)
            }
        }
    }

    private func abandon(_ error: ContentError) {
        let (sink, loop) = (sink, loop)
        executor.submit {
            sink.abandon()
            loop.execute { self.completion(.content(error)) }
        }
    }
}

import BatonTesting
import Events
@testable import MailQueue
import MessageFormat
import Ports
import SMTP
import Storage
import Testing

/// What lies in files that a checkpoint frees, and is still needed.
@Suite struct QueueCompactionTests {
    /// A world whose log turns over quickly, and gives back every file that holds little.
    private static func world() -> QueueWorld {
        let world = QueueWorld { $0.bodyMemory = 0 }
        world.process.kill()
        world.logSettings.segmentBytes = 64 << 10
        world.logSettings.slackBytes = 0
        world.crash()
        world.script = { attempt in
            .byName(attempt) { $0 == "slow" ? .deferred(Mail.greylisted) : .delivered(nil) }
        }
        return world
    }

    /// Fills some segments with mail that is over, and has a checkpoint free them.
    private static func compact(_ world: QueueWorld) throws {
        for _ in 0..<100 {
            _ = try #require(world.accept(Mail.envelope(to: "fast@b.example"), body: "Subject: x\r\n\r\n" + String(repeating: "y", count: 4000)))
        }
        world.deliver()
        world.delivery.stop()
        world.onCore { world.queue.checkpointDue() }
        world.run(.seconds(5))
    }

    private static func files(_ world: QueueWorld) throws -> [String] { try world.disk.root.list().map(\.name) }

    private static func appendChunks(_ count: Int, _ world: QueueWorld) -> QueueID {
        let id = world.queue.mint.next()
        nonisolated(unsafe) var taken = 0
        for number in 0..<count {
            world.queue.appendChunk(id, [UInt8](repeating: UInt8(number + 1), count: 8000), replyOn: world.session) { if $0 == .taken { taken += 1 } }
        }
        _ = world.simulator.run { taken == count }
        return id
    }

    private static func accept(_ id: QueueID, chunks: Int, _ world: QueueWorld) throws {
        var envelope = Mail.envelope(to: "large@c.example")
        envelope.arrival = world.process.now
        let incoming = IncomingMessage(id: id, envelope: envelope, body: [], chunkedSize: UInt64(chunks * 8000))
        let submission = try Cleanup(settings: CleanupSettings(hostName: world.settings.hostName)).prepare(incoming)
        let before = world.answers.count
        world.queue.accept(submission, replyOn: world.session) { world.answers.append($0) }
        _ = world.simulator.run { world.answers.count > before }
        #expect(world.answers.last == .accepted(id))
    }

    /// The parts of the one message that was tried, as far as they can be read.
    private static func parts(_ world: QueueWorld) throws -> [[UInt8]] {
        let attempt = try #require(world.delivery.attempts.last)
        nonisolated(unsafe) var read: [[UInt8]] = []
        for part in attempt.content.parts.indices {
            nonisolated(unsafe) var isDone = false
            world.session.execute {
                attempt.content.read(part: part, on: world.session) { result in
                    if case .success(let bytes) = result { read.append(bytes) }
                    isDone = true
                }
            }
            _ = world.simulator.run { isDone }
        }
        return read
    }

    @Test(arguments: [false, true])
    func partsOfAMessageThatIsComingInOutliveTheirFiles(hasCrashed: Bool) throws {
        let world = Self.world()
        let id = Self.appendChunks(2, world)
        var places: [UInt32] = []
        world.onCore { places = world.queue.uploads[id]?.chunks.map(\.position.segment) ?? [] }
        try Self.compact(world)
        var placesAfter: [UInt32] = []
        world.onCore { placesAfter = world.queue.uploads[id]?.chunks.map(\.position.segment) ?? [] }
        #expect(places.count == 2 && placesAfter.count == 2 && places != placesAfter, "the file was not freed")
        try Self.accept(id, chunks: 2, world)
        if hasCrashed { world.crash() }
        world.script = { _ in nil }
        world.deliver()
        #expect(try Self.parts(world) == [[UInt8](repeating: 1, count: 8000), [UInt8](repeating: 2, count: 8000)])
    }

    @Test func theLastReplyOfAMessageOutlivesItsFile() throws {
        let world = Self.world()
        let id = try #require(world.accept(Mail.envelope(to: "slow@c.example")))
        // Between the message and its reply, so that they are not in one file.
        for _ in 0..<20 { world.accept(Mail.envelope(to: "fast@b.example"), body: String(repeating: "y", count: 4000)) }
        world.deliver()
        var before: UInt32 = 0
        world.onCore { before = world.queue.table[world.queue.table.slot(of: id)!].lastEvent.segment }
        try Self.compact(world)
        var after: UInt32 = 0
        nonisolated(unsafe) var event: MailEvent?
        nonisolated(unsafe) var isDone = false
        world.onCore {
            let slot = world.queue.table.slot(of: id)!
            after = world.queue.table[slot].lastEvent.segment
            world.queue.readLastResult(slot) {
                event = $0
                isDone = true
            }
        }
        _ = world.simulator.run { isDone }
        #expect(before != after, "the file was not freed")
        guard case .attempted(let attempt)? = event?.detail, case .deferred(_, let diagnosis)? = attempt.results.first?.outcome else {
            Issue.record("the reply is gone")
            return
        }
        #expect(diagnosis.reply?.text == "Greylisted")
    }

    @Test func halfAMessageIsHeldAtTheStart() throws {
        let world = Self.world()
        let id = Self.appendChunks(3, world)
        try Self.accept(id, chunks: 3, world)
        let whole = try #require(world.accept(Mail.envelope(to: "fast@b.example")))
        var place = RecordPosition(segment: 0, offset: 0)
        world.onCore { place = world.queue.table.chunks(of: world.queue.table.slot(of: id)!)[1].position }
        world.run(.seconds(1))
        world.process.kill()
        // A part that decays on the disk: the start no longer finds it, and everything around it.
        let digits = String(place.segment, radix: 16)
        let file = try world.disk.root.open("segment-" + String(repeating: "0", count: 8 - digits.count) + digits, for: .writing)
        let decay = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 1)
        defer { decay.deallocate() }
        decay.initializeMemory(as: UInt8.self, repeating: 0xff)
        try file.write(at: UInt64(place.offset) * 64, UnsafeRawBufferPointer(decay), UnsafeRawBufferPointer(start: nil, count: 0))
        try file.synchronize()
        world.crash(.keepingEverything)
        world.deliver()
        world.run(.days(6))
        #expect(world.delivery.attempts.map(\.message) == [whole])
        world.onCore {
            let slot = world.queue.table.slot(of: id)
            #expect(slot.flatMap { world.queue.table[$0].hold } == .unreadable)
        }
    }
}

import BatonTesting
import Events
import Glibc
@testable import MailQueue
import MessageFormat
import Ports
import SMTP
import Storage
import Testing

@Suite struct QueueStorageTests {
    @Test func aFullDiskRefusesAndKeepsDelivering() throws {
        let world = QueueWorld { $0.minFreeBytes = 0 }
        _ = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
        world.disk.setFault { access, _ in access == .write || access == .allocate || access == .create ? ENOSPC : nil }
        #expect(world.accept(Mail.envelope(to: "eve@b.example")) == nil)
        let refusal = try #require(world.answers.last)
        guard case .refused(let reason) = refusal else { Issue.record("accepted"); return }
        #expect(reason == .insufficientStorage || reason == .storageFailure)
        #expect([451, 452].contains(reason.reply.code))
        world.disk.setFault(nil)
        world.run(.seconds(10))
        _ = try #require(world.accept(Mail.envelope(to: "eve@b.example")))
        world.deliver()
        #expect(world.status.messages == 0)
        #expect(Set(world.delivery.attempts.map { $0.envelope.recipients[0].address.localPart }) == ["bob", "eve"])
    }

    @Test func littleFreeSpaceIsAReasonToRefuse() throws {
        let world = QueueWorld()
        #expect(world.queue.hasRoom(for: 1000))
        world.disk.setCapacity(64 << 20)
        world.run(.seconds(2))
        _ = world.accept(Mail.envelope(to: "a@b.example"))
        world.run(.seconds(2))
        #expect(world.accept(Mail.envelope(to: "a@b.example")) == nil)
        #expect(world.answers.last == .refused(.insufficientStorage))
        #expect(!world.queue.hasRoom(for: 1000))
        world.disk.setCapacity(.max)
        world.run(.seconds(2))
        // The first refusal after the space came back has the disk looked at.
        _ = world.accept(Mail.envelope(to: "a@b.example"))
        world.run(.seconds(2))
        #expect(world.accept(Mail.envelope(to: "a@b.example")) != nil)
    }

    @Test func aFullQueueRefuses() throws {
        let world = QueueWorld { $0.maxMessages = 2 }
        for _ in 0..<2 { _ = try #require(world.accept(Mail.envelope(to: "a@b.example"))) }
        #expect(world.accept(Mail.envelope(to: "a@b.example")) == nil)
        #expect(world.answers.last == .refused(.insufficientStorage))
        #expect(AcceptRefusal.insufficientStorage.reply.code == 452)
        #expect(!world.queue.hasRoom(for: 1))
        world.deliver()
        _ = try #require(world.accept(Mail.envelope(to: "a@b.example")))
    }

    @Test(arguments: [PowerCut.losingEverything, .keepingEverything])
    func largeMailComesInPartsAndGoesOutWhole(_ cut: PowerCut) throws {
        let world = QueueWorld()
        let id = world.queue.mint.next()
        let parts = (0..<5).map { part in (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ part) } }
        nonisolated(unsafe) var taken = 0
        for part in parts.dropLast() {
            world.queue.appendChunk(id, part, replyOn: world.session) { if $0 == .taken { taken += 1 } }
            _ = world.simulator.run { taken == parts.count - 1 }
        }
        _ = world.simulator.run { taken == 4 }
        var envelope = Mail.envelope(to: "bob@b.example")
        envelope.arrival = world.process.now
        let incoming = IncomingMessage(id: id, envelope: envelope, body: parts[4], chunkedSize: 400_000, firstChunk: parts[0])
        let submission = try Cleanup(settings: CleanupSettings(hostName: world.settings.hostName)).prepare(incoming)
        world.queue.accept(submission, replyOn: world.session) { world.answers.append($0) }
        _ = world.simulator.run { !world.answers.isEmpty }
        #expect(world.answers == [.accepted(id)])
        world.onCore { world.queue.checkpointDue() }
        world.run(.seconds(1))
        world.crash(cut)
        world.script = { _ in nil }
        world.deliver()
        let attempt = try #require(world.delivery.open.first)
        #expect(attempt.content.bodySize == 500_000)
        nonisolated(unsafe) var received: [UInt8] = []
        for index in attempt.content.parts.indices {
            nonisolated(unsafe) var isDone = false
            world.session.execute {
                attempt.content.read(part: index, on: world.session) { result in
                    received += (try? result.get()) ?? []
                    isDone = true
                }
            }
            _ = world.simulator.run { isDone }
        }
        #expect(received == parts.flatMap(\.self))
        world.onCore { world.delivery.finish(attempt, .all(attempt, .delivered(nil))) }
        world.run()
        #expect(world.status.messages == 0)
    }

    /// A checkpoint that begins while the message is on its way into the log must not lose sight of its parts.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func partsSurviveACheckpointThatBeginsWhileTheyAreAccepted(_ seed: UInt64) throws {
        let world = QueueWorld(seed: seed)
        let id = world.queue.mint.next()
        nonisolated(unsafe) var taken = 0
        for _ in 0..<2 { world.queue.appendChunk(id, [UInt8](repeating: 1, count: 100_000), replyOn: world.session) { if $0 == .taken { taken += 1 } } }
        _ = world.simulator.run { taken == 2 }
        var envelope = Mail.envelope(to: "bob@b.example")
        envelope.arrival = world.process.now
        let incoming = IncomingMessage(id: id, envelope: envelope, body: [], chunkedSize: 200_000)
        let submission = try Cleanup(settings: CleanupSettings(hostName: world.settings.hostName)).prepare(incoming)
        nonisolated(unsafe) var isFirst = true
        // The end of the message comes while the checkpoint's marker is being synced.
        world.disk.setFault { access, _ in
            if access == .synchronize, isFirst {
                isFirst = false
                world.queue.accept(submission, replyOn: world.session) { world.answers.append($0) }
            }
            return nil
        }
        world.onCore { world.queue.checkpointDue() }
        _ = world.simulator.run { !world.answers.isEmpty }
        #expect(world.answers == [.accepted(id)])
        world.run(.seconds(1))
        world.crash()
        world.deliver()
        #expect(world.delivery.attempts.map { $0.content.parts.count } == [2])
    }

    @Test func mailToManyDomainsKeepsCheckpointsInSmallChunks() throws {
        let world = QueueWorld()
        let label = String(repeating: "x", count: 60)
        for message in 0..<20 {
            var envelope = Mail.envelope(to: "first@b.example")
            envelope.recipients = (0..<400).map { Recipient(address: Mail.address("r@m\(message)n\($0).\(label).\(label).\(label).example")) }
            _ = try #require(world.accept(envelope))
        }
        world.onCore { world.queue.checkpointDue() }
        world.run(.seconds(1))
        world.crash()
        #expect(world.status.messages == 20)
        #expect(world.status.entries.total == 8000)
        #expect(world.checkpointChunks.reduce(0, +) > 1_600_000)
        #expect((world.checkpointChunks.max() ?? 0) < 1_200_000)
    }

    /// While a result waits that the log refused, memory is ahead of the log, and no checkpoint may say so.
    @Test func aCheckpointDoesNotForgetABounceThatTheLogRefused() throws {
        let world = QueueWorld()
        _ = try #require(world.accept(Mail.envelope(to: "gone@b.example", "later@b.example")))
        nonisolated(unsafe) var isFirst = true
        world.script = { attempt in
            if isFirst { world.disk.setFault { access, _ in access == .write ? EIO : nil } }
            isFirst = false
            return .byName(attempt) { $0 == "gone" ? .failed(Mail.noSuchUser) : .deferred(Mail.greylisted) }
        }
        world.onCore { world.delivery.start() }
        _ = world.simulator.run { world.delivery.writes == [false] }
        world.disk.setFault(nil)
        world.run(.milliseconds(1300))
        world.onCore { world.queue.checkpointDue() }
        world.run(.milliseconds(400))
        #expect(world.delivery.attempts.count == 1)
        world.crash()
        world.deliver()
        #expect(world.delivery.attempts.contains { $0.envelope.reversePath == .null })
    }

    @Test func aLongReplyForManyRecipientsIsRecorded() throws {
        let world = QueueWorld()
        let reply = Reply(code: 450, enhanced: .init(4, 7, 1), lines: Array(repeating: String(repeating: "x", count: 512), count: 20))
        world.script = { .all($0, .deferred(Diagnosis(status: .init(4, 7, 1), reply: reply)), feedback: .answered) }
        var envelope = Mail.envelope(to: "first@b.example")
        envelope.recipients = (0..<1000).map { Recipient(address: Mail.address("r\($0)@b.example")) }
        _ = try #require(world.accept(envelope))
        world.deliver()
        #expect(world.delivery.writes == [true])
    }

    @Test func abandonedPartsAreForgotten() throws {
        let world = QueueWorld { $0.maxUncommittedTotal = 250_000 }
        let id = world.queue.mint.next()
        nonisolated(unsafe) var answers: [ChunkResult] = []
        for _ in 0..<3 { world.queue.appendChunk(id, [UInt8](repeating: 1, count: 100_000), replyOn: world.session) { answers.append($0) } }
        _ = world.simulator.run { answers.count == 3 }
        #expect(Set(answers.map { "\($0)" }).count == 2)
        #expect(world.status.uncommitted == 200_000)
        world.queue.abandon(id)
        #expect(world.status.uncommitted == 0)
        let submission = try Cleanup(settings: CleanupSettings(hostName: world.settings.hostName)).prepare(
            IncomingMessage(id: id, envelope: Mail.envelope(to: "a@b.example"), body: [], chunkedSize: 200_000))
        world.queue.accept(submission, replyOn: world.session) { world.answers.append($0) }
        _ = world.simulator.run { !world.answers.isEmpty }
        #expect(world.answers == [.refused(.storageFailure)])
    }

    @Test func bodiesBeyondTheBudgetAreReadFromTheLog() throws {
        let world = QueueWorld { $0.bodyMemory = 3000 }
        for number in 0..<10 { _ = try #require(world.accept(Mail.envelope(to: "r\(number)@b.example"), body: "Subject: \(number)\r\n\r\n")) }
        #expect(world.status.bodyMemory <= 3000)
        world.deliver()
        #expect(world.status.messages == 0)
        #expect(world.status.bodyMemory == 0)
        let bodies = world.delivery.attempts.map { String(decoding: $0.content.bodyInMemory ?? [], as: UTF8.self) }
        #expect(Set(bodies) == Set((0..<10).map { "Subject: \($0)\r\n\r\n" }))
    }

    @Test func damagedMailIsHeldAndTold() throws {
        let world = QueueWorld { $0.bodyMemory = 0 }
        let id = try #require(world.accept(Mail.envelope(to: "bob@b.example"), body: "Subject: x\r\n\r\n" + String(repeating: "y", count: 3000)))
        world.run()
        world.onCore {
            // Another place in the segment: nothing there verifies as this record.
            let slot = world.queue.table.slot(of: id)!
            world.queue.table[slot].position.offset += 1
        }
        world.deliver()
        #expect(world.observer.alerts == [.unreadable(id)])
        #expect(world.delivery.attempts.isEmpty)
        #expect(world.status.messages == 1)
    }

    @Test func aDamagedPartOfALargeMessageIsHeldAndTold() throws {
        let world = QueueWorld { $0.bodyMemory = 0 }
        let id = world.queue.mint.next()
        nonisolated(unsafe) var taken = 0
        for _ in 0..<2 { world.queue.appendChunk(id, [UInt8](repeating: 7, count: 100_000), replyOn: world.session) { _ in taken += 1 } }
        _ = world.simulator.run { taken == 2 }
        var envelope = Mail.envelope(to: "bob@b.example")
        envelope.arrival = world.process.now
        let incoming = IncomingMessage(id: id, envelope: envelope, body: [], chunkedSize: 200_000, firstChunk: [])
        let submission = try Cleanup(settings: CleanupSettings(hostName: world.settings.hostName)).prepare(incoming)
        world.queue.accept(submission, replyOn: world.session) { world.answers.append($0) }
        _ = world.simulator.run { !world.answers.isEmpty }
        world.onCore {
            let slot = world.queue.table.slot(of: id)!
            world.queue.table.extras[world.queue.table[slot].extra].chunks[1].position.offset += 1
        }
        world.script = { _ in nil }
        world.deliver()
        let attempt = try #require(world.delivery.open.first)
        nonisolated(unsafe) var result: Result<[UInt8], ContentError>?
        world.session.execute { attempt.content.read(part: 1, on: world.session) { result = $0 } }
        _ = world.simulator.run { result != nil }
        guard case .failure(.damaged)? = result else { Issue.record("read"); return }
        world.onCore { world.delivery.finish(attempt, .all(attempt, .deferred(Mail.greylisted), feedback: .none)) }
        world.run(.days(6))
        #expect(world.observer.alerts == [.unreadable(id)])
        #expect(world.delivery.attempts.count == 1)
        #expect(world.status.entries.held == 1)
    }

    @Test(arguments: [true, false])
    func mailThatTheDiskDoesNotGiveBackIsHeldInTheEnd(othersAreReadable: Bool) throws {
        let world = QueueWorld { $0.bodyMemory = 0 }
        let id = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
        world.crash(.keepingEverything)
        world.onCore { world.queue.observer = world.observer }
        nonisolated(unsafe) var name = ""
        world.onCore {
            let slot = world.queue.table.slot(of: id)!
            name = "segment-0000000\(String(world.queue.table[slot].position.segment, radix: 16))"
        }
        let bad = name
        world.disk.setFault { access, name in access == .read && name == bad ? EIO : nil }
        world.script = { .all($0, .deferred(Mail.greylisted), feedback: .answered) }
        if othersAreReadable { _ = world.accept(Mail.envelope(to: "eve@b.example")) }
        world.deliver()
        world.run(.minutes(2))
        #expect(world.observer.alerts == (othersAreReadable ? [.unreadable(id)] : []))
        world.run(.minutes(20))
        #expect(world.observer.alerts == [.unreadable(id)])
        #expect(world.status.entries.held == 1)
    }

    @Test(arguments: [true, false])
    func resultsThatAreTooLargeForTheLogAreRecordedInParts(isFinal: Bool) throws {
        let world = QueueWorld()
        world.process.kill()
        world.logSettings.segmentBytes = 64 << 10
        world.crash()
        let reply = Reply(code: 550, enhanced: .init(5, 1, 1), lines: Array(repeating: String(repeating: "x", count: 500), count: 4))
        world.script = { attempt in
            attempt.envelope.reversePath == .null ? .all(attempt, .delivered(nil))
                : .byName(attempt) { _ in
                    isFinal ? .failed(Diagnosis(status: .init(5, 1, 1), reply: reply)) : .deferred(Diagnosis(status: .init(4, 1, 1), reply: reply))
                }
        }
        var envelope = Mail.envelope(to: "first@b.example")
        envelope.recipients = (0..<120).map { Recipient(address: Mail.address("r\($0)@b.example")) }
        _ = try #require(world.accept(envelope))
        world.deliver()
        #expect(world.delivery.writes.first == true)
        #expect(world.status.bounced == (isFinal ? 120 : 0))
        #expect(world.status.entries.scheduled == (isFinal ? 0 : 1))
        world.crash()
        #expect((world.status.entries.total > 0) == !isFinal)
        world.deliver()
        #expect(world.delivery.attempts.isEmpty)
    }

    @Test func nothingIsFreedWhileThereIsSomethingUnreadable() throws {
        let world = QueueWorld()
        let good = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
        world.onCore {
            let nonsense = RecordDraft(kind: RecordKind.accepted.rawValue, version: RecordKind.version, isCritical: true, meta: [1, 2, 3])
            world.queue.append([nonsense], .synced) { _ in }
        }
        world.run()
        world.crash()
        #expect(world.status.unreadable == 1)
        world.onCore { world.queue.checkpointDue() }
        world.run()
        #expect(try !world.disk.root.list().contains { $0.name.hasPrefix("checkpoint") })
        world.onCore { world.queue.forgetUnreadable() }
        world.run()
        #expect(try world.disk.root.list().contains { $0.name.hasPrefix("checkpoint") })
        world.crash()
        #expect(world.status.unreadable == 0)
        world.onCore { #expect(world.queue.table.slot(of: good) != nil) }
    }

    @Test func aMessageOfTheCheckpointThatIsNotUnderstoodCostsOnlyItself() throws {
        var bytes = CheckpointBytes(kind: .messages)
        for number in 1...3 as ClosedRange<UInt64> {
            bytes.fixed(number)
            bytes.fixed(1 << 32 | number)
            bytes.number(64 as UInt64)
            bytes.fixed(0)
            for value in [0, 10, 7, 1_800_000] as [UInt64] { bytes.number(value) }
            bytes.octet(0)
            bytes.octet(0)
            // The texts of the message that is not understood are needed by the next one.
            bytes.text(number == 1 ? "<a@a.example>" : "<c@d.example>")
            bytes.number(0 as UInt64)
            bytes.number(1 as UInt64)
            bytes.text(number == 2 ? "not a host" : "d.example")
            bytes.text("d.example")
            for value in [5, 1] as [UInt64] { bytes.number(value) }
            bytes.octet(0)
            bytes.number(1 as UInt64)
            bytes.number(0 as UInt64)
            bytes.endMessage()
        }
        var recovery = QueueRecovery(routes: TestRoutes())
        recovery.take(.checkpoint(bytes.encoded))
        #expect(recovery.unreadable == 1)
        #expect(recovery.count == 2)
        let slot = try #require(recovery.table.slot(of: QueueID(rawValue: 3)))
        #expect(recovery.table.senders[recovery.table[slot].sender]?.description == "<c@d.example>")
        // What is cut off is not understood either, and nothing before it suffers.
        var cut = QueueRecovery(routes: TestRoutes())
        cut.take(.checkpoint(Array(bytes.encoded.dropLast(3))))
        #expect(cut.count == 1)
        #expect(cut.unreadable == 2)
    }

    /// Records are copied away while the queue goes on; what is told to have moved is found at its new place.
    @Test func positionsFollowMovesInSteps() throws {
        let world = QueueWorld()
        let ids = try (0..<20).map { _ in try #require(world.accept(Mail.envelope(to: "bob@b.example"))) }
        nonisolated(unsafe) var isDone = false
        world.onCore {
            let moves = ids.enumerated().flatMap { index, id in
                let from = world.queue.table[world.queue.table.slot(of: id)!].position
                // Others in between, so that it takes several turns.
                return Array(repeating: RecordMove(from: RecordPosition(segment: 1, offset: 1), to: from, messageKey: 0), count: 1000)
                    + [RecordMove(from: from, to: RecordPosition(segment: 900, offset: UInt32(index)), messageKey: id.rawValue)]
            }
            world.queue.moved(moves) { isDone = true }
            #expect(!isDone)
        }
        _ = world.simulator.run { isDone }
        world.onCore {
            for (index, id) in ids.enumerated() {
                let slot = world.queue.table.slot(of: id)!
                #expect(world.queue.table[slot].position == RecordPosition(segment: 900, offset: UInt32(index)))
            }
        }
    }

    @Test func memoryOfAWaitingMessage() throws {
        #expect(MemoryLayout<QueuedMessage>.stride == 64)
        #expect(MemoryLayout<ScheduleEntry>.stride <= 72)
    }
}

import BatonTesting
import Events
@testable import MailQueue
import MessageFormat
import Ports
import SMTP
import Storage
import Synchronization
import Testing

@Suite struct QueueCrashTests {
    @Test func nothingIsAnsweredBeforeItIsSynced() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let world = QueueWorld(seed: seed)
            for number in 0..<20 { world.submit(Mail.envelope(to: "r\(number)@b.example")) }
            _ = world.simulator.run(limit: Int(seed) * 37) { false }
            let accepted = world.answers.compactMap { if case .accepted(let id) = $0 { id } else { nil } }
            world.crash(.random(seed: seed))
            var found: Set<QueueID> = []
            world.onCore {
                for id in accepted where world.queue.table.slot(of: id) != nil { found.insert(id) }
            }
            #expect(found == Set(accepted), "seed \(seed)")
        }
    }

    @Test func aBounceIsInTheLogWithTheResultThatCausedIt() throws {
        for seed in 1...30 as ClosedRange<UInt64> {
            let world = QueueWorld(seed: seed)
            _ = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
            world.script = { attempt in
                attempt.envelope.reversePath == .null ? nil : .all(attempt, .failed(Mail.noSuchUser), feedback: .answered)
            }
            world.onCore { world.delivery.start() }
            _ = world.simulator.run(limit: Int(seed) * 5) { false }
            world.crash(.random(seed: seed))
            // Either the message waits still, or its bounce does: never both, never neither.
            #expect(world.status.messages == 1, "seed \(seed)")
        }
    }

    @Test func checkpointsAreExactWhileAppendsAreUnderWay() throws {
        for seed in 1...6 as ClosedRange<UInt64> {
            let world = QueueWorld(seed: seed)
            world.script = { attempt in
                .byName(attempt) { $0.hasSuffix("7") ? .deferred(Mail.greylisted) : .delivered(nil) }
            }
            world.onCore { world.delivery.start() }
            var sent = 0
            for round in 0..<40 {
                for _ in 0..<10 {
                    world.submit(Mail.envelope(to: "r\(sent)@b.example", "s\(sent)@c.example"))
                    sent += 1
                }
                _ = world.simulator.run(limit: 60) { false }
                if round % 10 == 5 { world.onCore { world.queue.checkpointDue() } }
            }
            _ = world.simulator.run { world.answers.count == sent }
            world.delivery.stop()
            world.run(.seconds(1))
            let before = Self.picture(world)
            #expect(before.count == 40)
            world.crash(.losingEverything)
            #expect(world.recovery?.checkpoint != .zero, "no checkpoint was made")
            #expect(world.recovery?.damage == [])
            #expect(Self.difference(Self.picture(world), before) == [], "seed \(seed)")
        }
    }

    private static func difference(_ left: [String], _ right: [String]) -> [String] {
        Set(left).symmetricDifference(right).sorted()
    }

    @Test func replayingARecordTwiceDoesNoHarm() throws {
        let world = QueueWorld()
        world.script = { attempt in
            attempt.envelope.reversePath == .null ? .all(attempt, .delivered(nil)) : .byName(attempt) { name in
                name == "bad" ? .failed(Mail.noSuchUser) : name == "slow" ? .deferred(Mail.greylisted) : .delivered(nil)
            }
        }
        world.deliver()
        for _ in 0..<5 { _ = world.accept(Mail.envelope(to: "good@b.example", "bad@b.example", "slow@b.example", "slow@c.example")) }
        world.run(.minutes(4))
        let before = Self.picture(world)
        world.process.kill()
        let records = Mutex<[RecoveredRecord]>([])
        let opened = try Log.open(files: world.disk.after(.keepingEverything).root,
                                  executor: SimulatedStorageExecutor(SimulatedProcess("x", in: world.simulator)),
                                  settings: world.logSettings, random: world.simulator.random, knows: QueueRecovery.knows) { item in
            if case .record(let record) = item { records.withLock { $0.append(record) } }
        }
        _ = opened
        var recovery = QueueRecovery(routes: world.routes)
        let all = records.withLock { $0 }
        // Once through, then from every point once more to the end: the state after the last record is the same.
        for record in all { recovery.take(.record(record)) }
        for start in stride(from: 0, to: all.count, by: 3) {
            for record in all[start...] { recovery.take(.record(record)) }
            #expect(Self.difference(Self.picture(recovery), before) == [], "from record \(start)")
        }
        #expect(recovery.unreadable == 0)
    }

    @Test func aMessageThatKillsTheProcessIsHeldInTheEnd() throws {
        let world = QueueWorld()
        let poison = try #require(world.accept(Mail.envelope(to: "poison@b.example")))
        let innocent = try #require(world.accept(Mail.envelope(to: "slow@c.example")))
        world.script = { _ in nil }
        for round in 1...3 {
            world.deliver()
            let tried = world.delivery.attempts.map(\.message)
            // After two crashes the suspects are tried one at a time.
            #expect(tried.count == (round < 3 ? 2 : 1), "round \(round)")
            world.crash(.keepingEverything)
        }
        world.run(.seconds(1))
        world.script = { .all($0, .delivered(nil)) }
        world.deliver()
        world.run(.minutes(2))
        #expect(world.observer.alerts == [.heldForCrashes(poison, count: 3)])
        #expect(world.status.messages == 1)
        #expect(world.delivery.attempts.map(\.message) == [innocent])
        world.crash(.losingEverything)
        world.deliver()
        #expect(world.status.entries.held == 1)
    }

    @Test func aKilledProcessBlamesNoMessage() throws {
        let world = QueueWorld()
        _ = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
        world.script = { _ in nil }
        world.lastExit = .killed
        for _ in 0..<5 {
            world.deliver()
            #expect(world.delivery.attempts.count == 1)
            world.crash(.keepingEverything)
        }
        #expect(world.observer.alerts == [])
    }

    /// Everything that recovery must give back, by message.
    static func picture(_ world: QueueWorld) -> [String] {
        nonisolated(unsafe) var lines: [String] = []
        world.onCore {
            let queue = world.queue!
            for slot in 0..<queue.table.bound where queue.table.isOccupied(slot) {
                let entries = queue.table.entries(of: slot).compactMap { queue.scheduler[$0.entry] }.map { entry in
                    "\(queue.table.recipients(of: EntryPayload(rawValue: entry.payload)))/\(entry.attempts)/\(entry.dueSeconds)"
                }
                lines.append(line(queue.table, slot, entries))
            }
        }
        return lines.sorted()
    }

    static func picture(_ recovery: QueueRecovery) -> [String] {
        var lines: [String] = []
        for slot in 0..<recovery.table.bound where recovery.table.isOccupied(slot) {
            let entries = recovery.table.entries(of: slot).map { recovery.entries[$0.entry.index] }.map { entry in
                "\(recovery.table.recipients(of: EntryPayload(rawValue: entry.payload)))/\(entry.attempts)/\(entry.due)"
            }
            lines.append(line(recovery.table, slot, entries))
        }
        return lines.sorted()
    }

    private static func line(_ table: MessageTable, _ slot: UInt32, _ entries: [String]) -> String {
        let message = table[slot]
        return "\(message.id) \(message.position) \(message.lastEventBytes > 0) \(message.size) \(message.flags.rawValue) "
            + "\(table.senders[message.sender]?.description ?? "?") \(entries.sorted())"
    }
}

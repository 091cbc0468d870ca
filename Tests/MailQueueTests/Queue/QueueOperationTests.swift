import BatonTesting
import Events
import Glibc
@testable import MailQueue
import MessageFormat
import Ports
import SMTP
import Storage
import Testing

@Suite struct QueueOperationTests {
    private func perform(_ world: QueueWorld, _ operation: QueueOperation, _ filter: QueueFilter = QueueFilter(),
                         _ mode: OperationMode = .perform) -> OperationResult {
        nonisolated(unsafe) var result: OperationResult?
        world.queue.perform(operation, on: filter, mode: mode, replyOn: world.session) { result = $0 }
        _ = world.simulator.run { result != nil }
        return result ?? OperationResult()
    }

    private func list(_ world: QueueWorld, _ filter: QueueFilter = QueueFilter(), limit: Int = 100,
                      detail: ListDetail = .full) -> [MessageSummary] {
        var all: [MessageSummary] = []
        var cursor: PageCursor? = .start
        while let start = cursor {
            nonisolated(unsafe) var page: MessagePage?
            world.queue.list(filter, from: start, limit: limit, detail: detail, replyOn: world.session) { page = $0 }
            _ = world.simulator.run { page != nil }
            all += page?.messages ?? []
            cursor = page?.next
        }
        return all
    }

    @Test func heldMailWaitsUntilItIsReleased() throws {
        let world = QueueWorld()
        let id = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
        #expect(perform(world, .hold).messages == [id])
        #expect(perform(world, .hold).count == 0)
        world.crash()
        world.deliver()
        #expect(world.delivery.attempts.isEmpty)
        #expect(list(world).first?.hold == .operatorRequest)
        #expect(perform(world, .retryNow).count == 0)
        #expect(perform(world, .release).count == 1)
        world.run()
        #expect(world.delivery.attempts.map(\.message) == [id])
        #expect(world.trace(id)?.events.map(\.detail.name) == ["accepted", "held", "released", "attempted"])
    }

    @Test("Mail that comes in held stays so over a crash, and is released or removed by its account")
    func heldAtTheDoor() throws {
        let world = QueueWorld()
        func envelope(_ account: String) -> Envelope {
            var envelope = Mail.envelope(to: "bob@b.example", "carol@c.example")
            envelope.origin.account = account
            return envelope
        }
        let held = try #require(world.accept(envelope("eve"), hold: .account))
        let other = try #require(world.accept(envelope("adam"), hold: .account))
        let free = try #require(world.accept(envelope("eve")))
        world.crash()
        world.deliver()
        #expect(Set(world.delivery.attempts.map(\.message)) == [free])
        #expect(list(world).map(\.hold) == [.account, .account])
        var filter = QueueFilter()
        filter.account = "eve"
        #expect(perform(world, .release, filter).messages == [held])
        world.run()
        #expect(world.trace(held)?.events.map(\.detail.name).prefix(3) == ["accepted", "held", "released"])
        filter.account = "adam"
        #expect(perform(world, .remove, filter).messages == [other])
        #expect(world.status.messages == 0)
    }

    @Test(arguments: [false, true]) func mailThatIsHeldFromTheStart(isCrashed: Bool) throws {
        let world = QueueWorld()
        let id = try #require(world.accept(Mail.envelope(to: "bob@b.example"), hold: .policy))
        if isCrashed { world.crash() }
        world.deliver()
        #expect(world.delivery.attempts.isEmpty)
        #expect(list(world).first?.hold == .policy)
        #expect(perform(world, .release).count == 1)
        if isCrashed { world.crash() }
        world.deliver()
        world.run()
        #expect(world.delivery.attempts.map(\.message) == [id])
        let names = try #require(world.trace(id)).events.map(\.detail.name).filter { $0 != "crashed" }
        #expect(names == ["accepted", "held", "released", "attempted"])
    }

    @Test func retryNowDoesNotWait() throws {
        let world = QueueWorld()
        _ = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
        world.script = { .all($0, .deferred(Mail.greylisted), feedback: .answered) }
        world.deliver()
        #expect(world.delivery.attempts.count == 1)
        #expect(perform(world, .retryNow).count == 1)
        world.run(.seconds(1))
        #expect(world.delivery.attempts.count == 2)
    }

    @Test func bouncedMailGoesBackAndRemovedMailDoesNot() throws {
        let world = QueueWorld()
        let bounced = try #require(world.accept(Mail.envelope(to: "bob@b.example", "bob@c.example")))
        let removed = try #require(world.accept(Mail.envelope(to: "eve@e.example")))
        var filter = QueueFilter()
        filter.ids = [bounced]
        #expect(perform(world, .bounce, filter, .dryRun).count == 1)
        #expect(world.status.messages == 2)
        #expect(perform(world, .bounce, filter).messages == [bounced])
        filter.ids = [removed, QueueID(rawValue: 99)]
        #expect(perform(world, .remove, filter).messages == [removed])
        world.crash()
        world.deliver()
        #expect(world.delivery.attempts.map { $0.envelope.origin.reportOn } == [bounced, bounced])
        #expect(world.trace(removed)?.events.last?.detail == .removed(recipients: [0]))
    }

    @Test func mailInDeliveryIsNotTakenAway() throws {
        let world = QueueWorld()
        _ = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
        world.script = { _ in nil }
        world.deliver()
        let result = perform(world, .remove)
        #expect(result.count == 0 && result.busy == 1)
        #expect(perform(world, .hold).count == 1)
        let attempt = try #require(world.delivery.open.first)
        world.onCore { world.delivery.finish(attempt, .all(attempt, .deferred(Mail.greylisted), feedback: .answered)) }
        world.run(.hours(1))
        #expect(world.delivery.attempts.count == 1)
    }

    @Test(arguments: [QueueOperation.hold, .bounce, .remove])
    func aCrashLeavesItDoneToAllOrToNone(_ operation: QueueOperation) throws {
        for seed in 1...12 as ClosedRange<UInt64> {
            let (done, isTold) = try Self.crash(in: operation, seed: seed, group: 100)
            #expect(done == 0 || done == 20, "seed \(seed)")
            if isTold { #expect(done == 20, "told, and not done; seed \(seed)") }
        }
    }

    @Test func aCrashLeavesWholeGroups() throws {
        let counts = try (1...12).map { try Self.crash(in: .hold, seed: UInt64($0), group: 5).done }
        #expect(counts.allSatisfy { $0 % 5 == 0 })
        // The crashes come in the middle: with one group only, they would leave it half done if it were not one.
        #expect(counts.contains { 0 < $0 && $0 < 20 }, "\(counts)")
    }

    /// Does something to 20 messages, cuts the power sooner or later, and counts what is done after the next start.
    private static func crash(in operation: QueueOperation, seed: UInt64, group: Int) throws -> (done: Int, isTold: Bool) {
        let world = QueueWorld(seed: seed) { $0.operationGroup = group }
        for number in 0..<20 { _ = try #require(world.accept(Mail.envelope(to: "r\(number)@b.example", "s\(number)@c.example"))) }
        nonisolated(unsafe) var isTold = false
        world.queue.perform(operation, on: QueueFilter(), mode: .perform, replyOn: world.session) { _ in isTold = true }
        // For some seeds more steps than it takes.
        _ = world.simulator.run(limit: Int(seed) * (operation == .bounce ? 20 : 2)) { false }
        world.crash(.random(seed: seed))
        return (messagesDone(operation, world), isTold)
    }

    /// How many of 20 messages show what was done to them.
    private static func messagesDone(_ operation: QueueOperation, _ world: QueueWorld) -> Int {
        nonisolated(unsafe) var count = 0
        world.onCore {
            let table = world.queue.table
            let slots = (0..<table.bound).filter { table.isOccupied($0) }
            switch operation {
            case .hold, .release, .retryNow: count = slots.count { table[$0].hold == .operatorRequest }
            case .remove: count = 20 - slots.count
            // Two bounces take the place of each message: one for each of its destinations.
            case .bounce:
                let reports = slots.count { table[$0].flags.contains(.report) }
                count = reports == 40 && slots.count == 40 ? 20 : reports == 0 && slots.count == 20 ? 0 : -1
            }
        }
        return count
    }

    @Test func anActionOnManyIsDoneInGroupsAndTold() throws {
        let world = QueueWorld { $0.operationGroup = 10 }
        for number in 0..<35 { _ = try #require(world.accept(Mail.envelope(to: "r\(number)@b.example"))) }
        for operation in [QueueOperation.hold, .release, .bounce] {
            let before = world.log.lastLSN
            nonisolated(unsafe) var told: [Int] = []
            nonisolated(unsafe) var result: OperationResult?
            world.queue.perform(operation, on: QueueFilter(), mode: .perform, replyOn: world.session, progress: { told.append($0.count) },
                                completion: { result = $0 })
            _ = world.simulator.run { result != nil }
            #expect(told == [10, 20, 30] && result?.count == 35, "\(operation): \(told)")
            #expect(world.log.lastLSN > before)
        }
        // Nothing is left frozen: the bounces go out.
        world.deliver()
        #expect(world.delivery.attempts.count == 35 && world.status.messages == 0)
    }

    @Test(arguments: QueueOperation.allCases)
    func whatTheLogRefusesIsNotDone(_ operation: QueueOperation) throws {
        let world = QueueWorld { $0.operationGroup = 10 }
        for number in 0..<25 { _ = try #require(world.accept(Mail.envelope(to: "r\(number)@b.example"))) }
        if operation == .release { #expect(perform(world, .hold).count == 25) }
        world.disk.setFault { access, _ in access == .write || access == .create ? EIO : nil }
        let result = perform(world, operation)
        #expect(result.count == 0 && result.failed > 0 && result.messages == [], "\(result)")
        world.disk.setFault(nil)
        world.run(.seconds(10))
        world.deliver()
        // As if nobody had asked.
        #expect(world.delivery.attempts.count == (operation == .release ? 0 : 25))
        if operation == .release { #expect(perform(world, .release).count == 25) }
    }

    @Test func largeBouncesAreSeveralGroups() throws {
        let world = QueueWorld { $0.maxReturnedContent = 1 << 20 }
        let body = "Subject: x\r\n\r\n" + String(repeating: "0123456789abcdef\r\n", count: 11_000)
        for number in 0..<40 { _ = try #require(world.accept(Mail.envelope(to: "r\(number)@b.example"), body: body)) }
        // 8 MB of bounces, in a log whose segments have 4: in halves, until they fit.
        let result = perform(world, .bounce)
        #expect(result.count == 40 && result.failed == 0)
        world.crash()
        world.deliver()
        world.run(.seconds(20))
        #expect(world.delivery.attempts.filter { $0.envelope.origin.reportOn != nil }.count == 40)
    }

    @Test func filtersFindWhatTheyName() throws {
        let world = QueueWorld()
        let first = try #require(world.accept(Mail.envelope(from: "alice@a.example", to: "bob@b.example")))
        let second = try #require(world.accept(Mail.envelope(from: "carol@c.example", to: "bob@b.example", "eve@e.example")))
        let third = try #require(world.accept(Mail.envelope(from: "", to: "dan@d.example")))
        world.script = { attempt in
            attempt.message == first ? .all(attempt, .deferred(Mail.greylisted), feedback: .answered) : nil
        }
        world.run(.minutes(10))
        let fresh = try #require(world.accept(Mail.envelope(from: "alice@a.example", to: "zoe@z.example")))
        world.deliver()
        func ids(_ change: (inout QueueFilter) -> Void) -> [QueueID] {
            var filter = QueueFilter()
            change(&filter)
            return list(world, filter, limit: 1).map(\.id)
        }
        #expect(ids { _ in } == [first, second, third, fresh])
        #expect(ids { $0.sender = AddressPattern("ALICE@a.example") } == [first, fresh])
        #expect(ids { $0.sender = AddressPattern("@c.example") } == [second])
        #expect(ids { $0.sender = AddressPattern("<>") } == [third])
        #expect(ids { $0.recipient = AddressPattern("bob@b.example") } == [first, second])
        #expect(ids { $0.recipient = AddressPattern("e.example") } == [second])
        #expect(ids { $0.lastReply = "greyLISTED" } == [first])
        #expect(ids { $0.state = .deferred } == [first])
        #expect(ids { $0.state = .delivering } == [second, third, fresh])
        #expect(ids { $0.site = "mx.d.example" } == [third])
        #expect(ids { $0.olderThan = .minutes(5) } == [first, second, third])
        #expect(ids { $0.youngerThan = .minutes(5) } == [fresh])
        #expect(ids { $0.ids = [third, fresh]; $0.recipient = AddressPattern("z.example") } == [fresh])
    }

    @Test func aListSaysWhyMailWaits() throws {
        let world = QueueWorld()
        let id = try #require(world.accept(Mail.envelope(to: "bob@b.example", "rob@b.example")))
        world.script = { .all($0, .deferred(Mail.greylisted), feedback: .answered) }
        world.deliver()
        let summary = try #require(list(world).first)
        #expect(summary.id == id && summary.sender == "alice@a.example")
        let entry = try #require(summary.entries.first)
        #expect(entry.recipients == ["bob@b.example", "rob@b.example"])
        #expect(entry.state == .deferred && entry.attempts == 1)
        #expect(entry.nextAttempt != nil && entry.reason == entry.nextAttempt.map { .retry(until: $0) })
        guard case .deferred(_, let diagnosis)? = entry.lastOutcome else { Issue.record("no outcome"); return }
        #expect(diagnosis.reply?.text == "Greylisted" && diagnosis.bounceClass == .rateLimited)
        #expect(list(world, detail: .brief).first?.entries.first?.recipientCount == 2)
        nonisolated(unsafe) var details: MessageDetails?
        world.queue.details(of: id, replyOn: world.session) { details = $0 }
        _ = world.simulator.run { details != nil }
        #expect(details?.envelope.recipients.count == 2)
    }

    @Test func aReloadMovesWaitingMail() throws {
        let world = QueueWorld()
        _ = try #require(world.accept(Mail.envelope(to: "bob@b.example", "eve@e.example")))
        world.routes.smartHost = ["b.example", "e.example"]
        _ = try #require(world.accept(Mail.envelope(to: "bob@b.example", "eve@e.example")))
        world.onCore { world.queue.reroute() }
        world.routes.smartHost = ["b.example"]
        world.deliver()
        let tried = world.delivery.attempts.map { attempt in
            "\(attempt.destination.route.rawValue) \(attempt.recipients)"
        }
        // The first message was split by domain and stays so; the second shared an entry and is split as it is tried.
        #expect(tried.sorted() == ["1 [1]", "2 [0]", "2 [0]", "2 [1]"], "\(tried)")
        #expect(world.status.messages == 0)
    }
}

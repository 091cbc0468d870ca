import BatonTesting
import MailQueue
import Ports
@testable import simulate

/// What clients do, and what goes wrong.
extension NodesWorld {
    func planClients() {
        let loop = clients.makeLoop()
        var left = size.messages
        var senders = 0
        while left > 0 {
            let count = min(random.number(in: 1...6), left)
            left -= count
            senders += 1
            let messages = (0..<count).map { _ in submit(sender: senders % 12) }
            let client = MailClient(messages, ledger: ledger, loop: loop, random: random.fork())
            client.breaksOff = 0.02
            let dialer = network.dialer(for: clients, address: .v4(0xcb00_7100 + UInt32(senders % 200)))
            let endpoint = random.element(of: Self.endpoints)
            loop.scheduleFromOutside(at: loop.now + random.duration(in: .seconds(5)...(.minutes(75)))) {
                client.start(dialer, to: endpoint)
            }
        }
    }

    private func submit(sender: Int) -> MailLedger.Submission {
        let token = ledger.submissions.count
        let isNull = random.chance(0.05)
        let recipients = (0...(random.chance(0.3) ? random.number(in: 1...6) : random.number(in: 0...1))).map { recipient(token, $0) }
        let notify = random.chance(0.2) ? random.element(of: ["NEVER", "SUCCESS", "FAILURE", "SUCCESS,FAILURE,DELAY", "DELAY"]) : ""
        let bytes = random.chance(0.05) ? random.number(in: 40_000...150_000) : random.number(in: 100...3000)
        return ledger.submit(from: isNull ? "" : "s\(sender)@\(WorldPlan.senderDomain)", to: recipients, notify: notify) { token in
            content(token, bytes: bytes)
        }
    }

    private func recipient(_ token: Int, _ index: Int) -> String {
        guard random.chance(0.1) else { return "u\(token).\(index)@\(random.element(of: plan.targets).name)" }
        let targets = (0...random.number(in: 0...3)).map { _ in random.number(in: 0...(plan.targets.count - 1)) }
        return WorldPlan.alias(token, index, targets: targets)
    }

    private func content(_ token: Int, bytes: Int) -> [UInt8] {
        var content = Array("From: <s@\(WorldPlan.senderDomain)>\r\nSubject: message \(token)\r\nX-Token: \(token)\r\n\r\n".utf8)
        while content.count < bytes {
            if random.chance(0.1) { content.append(0x2e) }
            content += (0..<random.number(in: 0...78)).map { _ in UInt8(0x20 + random.next(below: 0x5f)) }
            content += [13, 10]
        }
        return content
    }

    // MARK: Faults

    func crash() {
        let number = random.number(in: 0...1)
        guard let node = nodes[number], !hasLeft[number] else { return }
        nodes[number] = nil
        for open in node.watched?.open.values.sorted(by: { $0.attempt.id.rawValue < $1.attempt.id.rawValue }) ?? [] { excuse(open) }
        node.process.kill()
        ledger.mark("node: crash")
        trouble(number, for: .zero)
        simulator.schedule(at: simulator.now + random.duration(in: .zero...(.minutes(3)))) { self.start(number) }
    }

    private func trouble(_ number: Int, for length: Duration) {
        troubles.append((number, simulator.now...(simulator.now + length)))
    }

    func pause() {
        let number = random.number(in: 0...1)
        guard let node = nodes[number], !node.process.isPaused else { return }
        let length = random.duration(in: .seconds(1)...(.minutes(3)))
        ledger.mark(length > nodeSettings.lease ? "node: pause longer than the lease" : "node: short pause")
        if let open = node.watched?.open, !open.isEmpty, length > nodeSettings.lease { ledger.mark("node: pause with open attempts") }
        node.process.pause()
        trouble(number, for: length)
        simulator.schedule(at: simulator.now + length) { node.process.wake() }
    }

    func cutOff() {
        let both = random.chance(0.3)
        let length = random.duration(in: .seconds(5)...(.minutes(2)))
        for number in both ? [0, 1] : [random.number(in: 0...1)] {
            ledger.mark(both ? "store: cut off from all" : "store: cut off from one node")
            stores[number].isCutOff = true
            trouble(number, for: length)
            simulator.schedule(at: simulator.now + length) { self.stores[number].isCutOff = false }
        }
    }

    func leave() {
        let number = random.number(in: 0...1)
        guard let node = nodes[number] else { return }
        hasLeft[number] = true
        ledger.mark("node: leaves")
        node.leave {
            // What the queue of a node that has left still says is nothing to anybody.
            self.simulator.schedule(at: self.simulator.now) { self.hasGone(number, node) }
        }
        // A supervisor's patience.
        simulator.schedule(at: simulator.now + .minutes(15)) { self.hasGone(number, node) }
    }

    private func hasGone(_ number: Int, _ node: NodeProcess) {
        guard nodes[number] === node else { return }
        nodes[number] = nil
        hasLeft[number] = false
        let open = node.watched?.open.values.sorted { $0.attempt.id.rawValue < $1.attempt.id.rawValue } ?? []
        if open.isEmpty { ledger.mark("node: has left with nothing open") } else { for attempt in open { excuse(attempt) } }
        node.process.kill()
        simulator.schedule(at: simulator.now + random.duration(in: .zero...(.minutes(5)))) { self.start(number) }
    }

    // Forward: a clock that goes back by more than a tenth of a lease is more than is promised.
    func jump() {
        let number = random.number(in: 0...1)
        ledger.mark("node: clock jump")
        nodes[number]?.process.jumpClock(by: random.duration(in: .seconds(-2)...(.minutes(20))))
    }

    func reload() {
        for node in nodes { node?.reload() }
        ledger.mark("nodes: reload")
    }
}

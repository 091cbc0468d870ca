import Events
import MailQueue
import Ports
import SMTP

/// Carries out what the queue decides: resolves destinations, starts attempts, brings back what came of them.
///
/// Confined to the core loop; `@unchecked Sendable` so that jobs and timers of that loop may hold it.
public final class DeliveryService: @unchecked Sendable {
    private let loop: any Loop
    private let queue: any DeliveryQueue
    private let router: Router
    private let agents: DeliveryAgents
    private var wakeUp: (deadline: Timestamp, timer: LoopTimer)?
    private var isRunning = false
    private var isPumpScheduled = false
    private var inProgress = 0
    private var drained: (() -> Void)?

    /// A service that has not begun; everything it is given lives on `loop`.
    public init(loop: any Loop, queue: any DeliveryQueue, router: Router, agents: DeliveryAgents) {
        self.loop = loop
        self.queue = queue
        self.router = router
        self.agents = agents
    }

    /// Begins to deliver.
    public func start() {
        isRunning = true
        queue.workArrived = { [weak self] in self?.schedulePump() }
        schedulePump()
    }

    /// Starts nothing new; `completion` is called when the last attempt in progress has been recorded.
    public func stop(completion: @escaping () -> Void) {
        isRunning = false
        wakeUp?.timer.cancel()
        wakeUp = nil
        agents.stop()
        drained = completion
        finishDraining()
    }

    // One pump a turn of the loop, whatever the number of messages that arrived in it.
    private func schedulePump() {
        guard isRunning, !isPumpScheduled else { return }
        isPumpScheduled = true
        loop.execute { self.pump() }
    }

    private func pump() {
        isPumpScheduled = false
        while isRunning {
            switch queue.nextStep() {
            case .resolve(let id, let key): resolve(id, key)
            case .start(let ticket): start(ticket)
            case .pause: return schedulePump()
            case .sleep(let until): return sleep(until: until)
            case .idle: return
            }
        }
    }

    private func sleep(until deadline: Timestamp) {
        if let wakeUp {
            if wakeUp.deadline <= deadline { return }
            wakeUp.timer.cancel()
        }
        wakeUp = (deadline, loop.schedule(at: deadline) {
            self.wakeUp = nil
            self.schedulePump()
        })
    }

    private func resolve(_ id: DestinationID, _ key: DestinationKey) {
        router.resolve(key) { resolution, validUntil in
            self.queue.resolved(id, resolution, validUntil: validUntil)
            self.schedulePump()
        }
    }

    private func start(_ ticket: AttemptTicket) {
        inProgress += 1
        queue.start(ticket) { attempt in
            guard let attempt else { return self.ended() }
            self.deliver(attempt)
        }
    }

    private func deliver(_ attempt: Attempt) {
        guard let nextHop = router.nextHop(for: attempt.destination) else {
            // A reload took the route away between the decision and now: resolve again.
            let report = AttemptReport(host: nil, ended: loop.now, outcomes: attempt.recipients.map {
                RecipientDelivery(recipient: $0, outcome: .untried)
            }, feedback: .none)
            return finish(attempt, report, lease: nil)
        }
        agents[nextHop].deliver(DeliveryRequest(attempt: attempt, nextHop: nextHop)) { report, lease in
            self.finish(attempt, report, lease: lease)
        }
    }

    private func finish(_ attempt: Attempt, _ report: AttemptReport, lease: (any DeliveryLease)?) {
        let held = lease.map { LoopConfined($0, to: loop) }
        queue.finish(attempt.id, report) { isWritten in
            guard isWritten, self.isRunning else {
                held?.value.discard()
                return self.ended()
            }
            held?.value.release()
            self.ended()
            if let ticket = self.queue.nextTicket(for: attempt.site) { self.start(ticket) } else { self.schedulePump() }
        }
    }

    private func ended() {
        inProgress -= 1
        finishDraining()
    }

    private func finishDraining() {
        guard !isRunning, inProgress == 0, let drained else { return }
        self.drained = nil
        drained()
    }
}

/// The agents, one for each kind of next hop.
public struct DeliveryAgents {
    /// For SMTP and LMTP.
    public var smtp: any DeliveryAgent
    /// For Maildirs.
    public var maildir: any DeliveryAgent
    /// For the sandbox.
    public var sandbox: any DeliveryAgent
    /// For mail that is dropped.
    public var discard: any DeliveryAgent

    /// The agents of a service.
    public init(smtp: any DeliveryAgent, maildir: any DeliveryAgent, sandbox: any DeliveryAgent, discard: any DeliveryAgent) {
        self.smtp = smtp
        self.maildir = maildir
        self.sandbox = sandbox
        self.discard = discard
    }

    subscript(nextHop: NextHop) -> any DeliveryAgent {
        switch nextHop {
        case .smtp, .lmtp: smtp
        case .maildir: maildir
        case .sandbox: sandbox
        case .discard: discard
        }
    }

    func stop() {
        for agent in [smtp, maildir, sandbox, discard] { agent.stop() }
    }
}

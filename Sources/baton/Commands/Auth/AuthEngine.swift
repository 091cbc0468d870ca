import DNS
import Glibc
import MailAuth
import Ports
import Sockets

/// A loop that shows another time than the one that it runs on.
final class ShiftedLoop: Loop {
    private let loop: CommandLoop
    private let shift: Duration

    /// `loop`, which shows `moment` now.
    init(_ loop: CommandLoop, to moment: Timestamp) {
        self.loop = loop
        shift = moment - loop.now
    }

    var now: Timestamp { loop.now + shift }
    var isCurrent: Bool { loop.isCurrent }
    func execute(_ job: @escaping @Sendable () -> Void) { loop.execute(job) }
    func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer { loop.schedule(at: deadline - shift, job) }
}

/// Does the requests of `baton auth`: against a zone on a clock that stands, against the network on the clock of the process.
final class AuthEngine {
    /// What a request came to.
    struct Outcome {
        let report: AuthenticationReport
        let asked: [Lookups.Asked]
    }

    /// How long the DNS questions of one message may take.
    static let budget = Duration.seconds(20)

    /// The name in the fields that are made.
    let service: String
    private let settings: MessageAuthentication.Settings
    private let clock = ProcessClock()
    private lazy var network = CommandLoop(.system { [clock] in clock.now })
    private lazy var offline = CommandLoop(.standing(clock.now))
    private var resolver: UnboundResolver?

    /// An engine of the calling thread that speaks as `service`.
    init(service: String, _ settings: MessageAuthentication.Settings = .init()) {
        self.service = service
        self.settings = settings
    }

    /// The time of the process.
    var now: Timestamp { clock.now }

    /// Ends the resolver's threads.
    func close() { resolver?.close() }

    /// Does one request and waits for it.
    func check(_ request: AuthRequest) throws(AuthRequestError) -> Outcome {
        var outcome: Outcome?
        let loop = try start(request) { outcome = $0 }
        loop.run { outcome != nil }
        guard let outcome else { throw AuthRequestError("the check came to no end") }
        return outcome
    }

    /// Starts a request; `completion` is called when the loop that is returned runs.
    func start(_ request: AuthRequest, completion: @escaping (Outcome) -> Void) throws(AuthRequestError) -> CommandLoop {
        let runner: CommandLoop
        let loop: any Loop
        let answers: any Resolver
        if let zone = request.zone {
            runner = offline
            runner.stand(at: request.at ?? clock.now)
            loop = runner
            answers = zone
        } else {
            runner = network
            loop = request.at.map { ShiftedLoop(runner, to: $0) } ?? runner
            answers = try networkResolver()
        }
        let lookups = Lookups(answers, on: loop, deadline: loop.now + AuthEngine.budget)
        let subject = MessageAuthentication.Subject(client: request.client, helo: request.helo, mailFrom: request.reversePath, receiver: service)
        let authentication = MessageAuthentication(subject, lookups, settings)
        if let message = request.message { authentication.receive(message[...]) }
        authentication.finish(hasMessage: request.message != nil) { completion(Outcome(report: $0, asked: lookups.asked)) }
        return runner
    }

    /// Lets requests against the network go on until `isDone`.
    func runNetwork(until isDone: () -> Bool) { network.run(until: isDone) }

    private func networkResolver() throws(AuthRequestError) -> UnboundResolver {
        if let resolver { return resolver }
        var settings = UnboundSettings()
        settings.upstream = .system(resolvConf: "/etc/resolv.conf")
        settings.timeout = .seconds(10)
        // No trust anchor: the system's servers may not hand on what validation needs, and no method here asks for it.
        do throws(ResolverStartError) {
            let started = try UnboundResolver(settings)
            resolver = started
            return started
        } catch {
            throw AuthRequestError("the resolver does not start: \(error); give a zone with --zone to work off line")
        }
    }
}

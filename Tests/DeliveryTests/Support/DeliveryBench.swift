import Delivery
import DNS
import Events
@testable import MailQueue
import MessageFormat
import Ports
import SMTP

/// An SMTP agent with everything around it made of memory.
final class DeliveryBench: @unchecked Sendable {
    /// How one attempt ended.
    struct Ending {
        var report: AttemptReport
        var lease: (any DeliveryLease)?

        var outcomes: [DeliveryOutcome] { report.outcomes.map(\.outcome) }
    }

    let loop = VirtualLoop()
    let network = ScriptedNetwork()
    let resolver: ZoneResolver
    let agent: SMTPAgent
    private(set) var endings: [Int: [Ending]] = [:]
    private var started = 0

    init(zone: String = "{}", seed: UInt64 = 1, own: OwnHost = OwnHost(names: ["me.example"]),
         settings change: (inout SMTPAgentSettings) -> Void = { _ in }) {
        var settings = SMTPAgentSettings(heloName: "me.example")
        change(&settings)
        do { resolver = ZoneResolver(try Zone(json: Array(zone.utf8))) } catch { fatalError("\(error)") }
        agent = SMTPAgent(loop: loop, dialer: network, resolver: resolver, random: SeededRandom(seed), own: own, settings: settings)
    }

    /// A server at this address and port 25.
    func serve(_ address: String, port: UInt16 = 25) -> ScriptedServer {
        let server = ScriptedServer()
        network.hosts[endpoint(address, port)] = .server(server)
        return server
    }

    /// Starts an attempt and runs what happens at once; gives its number.
    @discardableResult
    func deliver(to recipients: [String] = ["b@y.example"], via nextHop: NextHop, content: MessageContent? = nil,
                 envelope change: (inout Envelope) -> Void = { _ in }) -> Int {
        let number = started
        started += 1
        var envelope = Envelope(reversePath: .mailbox(address("a@x.example")),
                                recipients: recipients.map { Recipient(address: address($0)) }, arrival: loop.now)
        change(&envelope)
        let attempt = Attempt(
            id: AttemptID(rawValue: UInt64(number)), message: QueueID(rawValue: UInt64(number)), number: 1,
            destination: DestinationKey(route: RouteID(0)), site: SiteID(index: 0, generation: 0), envelope: envelope,
            recipients: recipients.indices.map { UInt16($0) },
            content: content ?? MessageContent(prefix: Array("Received: x\r\n".utf8), body: Array("\r\nhello\r\n".utf8)),
            started: loop.now)
        agent.deliver(DeliveryRequest(attempt: attempt, nextHop: nextHop)) { report, lease in
            self.endings[number, default: []].append(Ending(report: report, lease: lease))
        }
        loop.run()
        return number
    }

    /// The one ending of an attempt; nil while it runs.
    func ending(_ number: Int) -> Ending? {
        let all = endings[number] ?? []
        precondition(all.count <= 1, "an attempt that ended twice")
        return all.first
    }

    /// The outcome of the attempt is written.
    func release(_ number: Int) {
        ending(number)?.lease?.release()
        endings[number]?[0].lease = nil
        loop.run()
    }
}

/// A mailbox that the tests know to be right.
func address(_ text: String) -> EmailAddress {
    do { return try EmailAddress(parsing: text) } catch { fatalError("\(text): \(error)") }
}

/// An endpoint that the tests know to be right.
func endpoint(_ text: String, _ port: UInt16 = 25) -> SocketEndpoint {
    guard let address = IPAddress(text) else { fatalError(text) }
    return .ip(address, port: port)
}

/// SMTP to hosts at these addresses, in this order.
func smtp(_ addresses: String...) -> NextHop {
    .smtp(hosts: addresses.map { text in
        guard let address = IPAddress(text) else { fatalError(text) }
        return HopHost(.address(address), port: 25)
    })
}

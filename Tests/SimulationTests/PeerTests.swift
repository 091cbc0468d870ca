import BatonTesting
import Ports
import Testing

@Suite("Simulation: peers")
struct PeerTests {
    @Test("client and host agree on what was taken, in any weather", arguments: 1...60)
    func agree(seed: Int) {
        let simulator = Simulator(seed: UInt64(seed))
        let network = SimulatedNetwork(simulator)
        let random = simulator.random.fork()
        let ledger = MailLedger()
        let host = SinkHost("mx.example", ledger: ledger, simulator: simulator)
        if seed > 10 { network.weather = .storm }
        if seed > 20 { host.manners = .rough }
        let hosts = SimulatedProcess("hosts", in: simulator)
        let endpoint = SocketEndpoint.ip(.v4(0xc000_0201), port: 25)
        network.listen(on: endpoint, process: hosts, loops: [hosts.makeLoop()]) { host.accept($0) }
        let clients = SimulatedProcess("clients", in: simulator)
        let dialer = network.dialer(for: clients, address: .v4(0xc000_0202))
        let loop = clients.makeLoop()
        for _ in 0..<10 {
            let messages = (0..<3).map { _ in
                ledger.submit(from: "a@client.example", to: (0...random.number(in: 0...3)).map { "u\($0)@b.example" }) { token in
                    Array("X-Token: \(token)\r\n\r\n.dots\r\n..\r\n.\r\n\(String(repeating: "x", count: 900))\r\n".utf8)
                }
            }
            let client = MailClient(messages, ledger: ledger, loop: loop, random: random.fork())
            client.breaksOff = seed > 10 ? 0.05 : 0
            loop.execute { client.start(dialer, to: endpoint) }
        }
        while simulator.step() {}
        for submission in ledger.submissions {
            let arrivals = ledger.arrivals.filter { MailLedger.token(in: $0.content) == submission.token }
            switch submission.result {
            case .none: Issue.record("message \(submission.token) was forgotten")
            case .accepted:
                #expect(arrivals.count == 1)
                #expect(arrivals.first?.recipients == submission.acceptedRecipients)
            case .refused, .refusedWhole: #expect(arrivals.isEmpty)
            case .unknown: #expect(arrivals.count <= 1)
            }
            #expect(arrivals.allSatisfy { $0.content == submission.content })
        }
        if seed <= 10 { #expect(ledger.marks["client: accepted"] == 30) }
    }
}

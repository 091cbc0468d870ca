import Events
import MailQueue
import MessageFormat
import Ports
import Receiving
import SMTP
import Testing

@Suite struct AddressRulesTests {
    private func address(_ text: String) throws -> EmailAddress { try EmailAddress(parsing: text) }

    private static let aliases = [
        "sales@local.example": ["alice@local.example", "x@elsewhere.example"], "out@backup.example": ["x@elsewhere.example"],
    ]

    @Test("Who may send to whom", arguments: [
        ("alice@local.example", "250", "250"), ("nobody@local.example", "550", "550"), ("sales@local.example", "250", "250"),
        ("x@backup.example", "250", "250"), ("out@backup.example", "250", "250"), ("x@sub.backup.example", "554", "250"),
        ("x@elsewhere.example", "554", "250"), ("x@[192.0.2.1]", "554", "250"), ("x%elsewhere.example@local.example", "550", "550"),
        ("x%elsewhere.example@backup.example", "554", "250"), ("elsewhere.example!x@backup.example", "554", "250"),
        ("\"x@elsewhere.example\"@backup.example", "554", "250"),
    ])
    func verdicts(recipient: String, stranger: String, relay: String) throws {
        let rules = try FakeWorld.rules(Self.aliases)
        let path = ForwardPath.mailbox(try address(recipient))
        for (mayRelay, code) in [(false, stranger), (true, relay)] {
            switch rules.verdict(on: path, mayRelay: mayRelay) {
            case .accept: #expect(code == "250", "\(recipient)")
            case .reject(let reply), .close(let reply): #expect("\(reply.code)" == code, "\(recipient)")
            }
        }
    }

    // RFC 5321 §4.5.1
    @Test("The bare postmaster is always served")
    func postmaster() throws {
        let rules = try FakeWorld.rules()
        #expect(rules.verdict(on: .postmaster, mayRelay: false) == .accept)
        #expect(rules.address(of: .postmaster) == rules.postmaster)
    }

    @Test("Aliases expand, everybody else is final")
    func expansions() throws {
        let rules = try FakeWorld.rules(Self.aliases)
        #expect(rules.expansion(of: try address("sales@local.example"))?.count == 2)
        for text in ["alice@local.example", "typo@local.example", "x@backup.example", "x@elsewhere.example"] {
            #expect(rules.expansion(of: try address(text)) == nil)
        }
    }

    @Test("Clients that may relay")
    func relayClients() throws {
        let rules = try FakeWorld.rules()
        func client(_ endpoint: SocketEndpoint, login: String? = nil) -> ClientIdentity {
            ClientIdentity(endpoint: endpoint, localEndpoint: .unix(path: "x"), login: login)
        }
        #expect(rules.mayRelay(client(FakeWorld.trusted)) && !rules.mayRelay(client(FakeWorld.stranger)))
        #expect(rules.mayRelay(client(.ip(try #require(IPAddress("::ffff:10.1.2.3")), port: 1))))
        #expect(!rules.mayRelay(client(.ip(.v4(0), port: 1))), "a client that XCLIENT does not name")
        #expect(rules.mayRelay(client(FakeWorld.stranger, login: "alice")) && rules.mayRelay(client(.unix(path: "/run/x"))))
    }

    @Test("Aliases are followed on the way into the queue, loops found")
    func throughTheDoor() throws {
        let rules = try FakeWorld.rules(Self.aliases.merging([
            "a@local.example": ["b@local.example"], "b@local.example": ["c@local.example"], "c@local.example": ["b@local.example"],
        ]) { $1 })
        let world = try FakeWorld(rules: rules)
        let connection = world.opened()
        _ = connection.say("MAIL FROM:<x@client.example>", "RCPT TO:<sales@local.example>", "RCPT TO:<alice@local.example>", "DATA", "x: y", ".")
        let recipients = try #require(world.intake.accepted.first).envelope.recipients
        #expect(recipients.filter { !$0.isExpanded }.map(\.address.description) == ["alice@local.example", "x@elsewhere.example"])
        #expect(connection.say("MAIL FROM:<x@client.example>", "RCPT TO:<a@local.example>", "DATA", "x: y", ".").contains("550 5.4.6 "))
        #expect(world.observer.occurrences.last == .messageRefused(Reply(550, .init(5, 4, 6), "Alias loop"),
                                                                   MailCommand(reversePath: .mailbox(try address("x@client.example")))))
    }

    @Test("A message that has been everywhere is refused")
    func hops() throws {
        let world = try FakeWorld()
        let connection = world.opened()
        let hops = String(repeating: "Received: x\r\n", count: 51)
        #expect(connection.say("MAIL FROM:<>", "RCPT TO:<bob@local.example>", "DATA", hops + "\r\n.").contains("554 5.4.6"))
    }
}

@testable import baton
import Configuration
import MailQueue
import MessageFormat
import Receiving
import SMTP
import Testing

/// The recipients of the file as the receiving side sees them.
@Suite struct RecipientsTests {
    static func rules() throws -> AddressRules {
        try BatonConfiguration.check("""
            hostname: mail.example.org
            listeners: [{address: ":25"}]
            routes: {r: {type: discard}}
            domains:
              example.org:
                route: r
                mailboxes: [alice, bob]
                aliases: {sales: [bob], bob: [bob, alice], out: x@elsewhere.example}
              dash.example: {route: r, mailboxes: [carol], subaddressSeparator: "-"}
            relayDomains: [backup.example, "*.hub.example"]
            aliases: {away@backup.example: x@elsewhere.example}
            dns: {trustAnchor: none}
            """, file: "baton.yaml").addressRules
    }

    @Test("Strangers send to local and relay domains and their aliases, relay networks anywhere", arguments: [
        ("Alice+tag@example.org", "250", "250"), ("nobody@example.org", "550", "550"), ("out@example.org", "250", "250"),
        ("postmaster@example.org", "250", "250"), ("carol-x@dash.example", "250", "250"), ("carol+x@dash.example", "550", "550"),
        ("x@backup.example", "250", "250"), ("away@backup.example", "250", "250"), ("x@a.hub.example", "250", "250"),
        ("x@hub.example", "554", "250"), ("x@elsewhere.example", "554", "250"), ("x@[192.0.2.1]", "554", "250"),
    ])
    func verdicts(recipient: String, stranger: String, relay: String) throws {
        let rules = try Self.rules()
        let path = ForwardPath.mailbox(try EmailAddress(parsing: recipient))
        for (mayRelay, code) in [(false, stranger), (true, relay)] {
            switch rules.verdict(on: path, mayRelay: mayRelay) {
            case .accept: #expect(code == "250")
            case .reject(let reply), .close(let reply): #expect("\(reply.code)" == code)
            }
        }
    }

    @Test("What the recipients expand into", arguments: [
        ("alice@example.org", nil), ("sales@example.org", ["bob@example.org"]), ("Bob@example.org", ["Bob@example.org", "alice@example.org"]),
        ("bob+tag@example.org", ["bob@example.org", "alice@example.org"]), ("away@backup.example", ["x@elsewhere.example"]),
        ("x@elsewhere.example", nil), ("nobody@example.org", nil),
    ] as [(String, [String]?)])
    func expansions(recipient: String, targets: [String]?) throws {
        #expect(try Self.rules().expansion(of: EmailAddress(parsing: recipient))?.map(\.description) == targets)
    }

    // RFC 5321 §4.5.1
    @Test("The bare postmaster is at the local domain that the host lies in")
    func postmaster() throws {
        let rules = try Self.rules()
        #expect(rules.address(of: .postmaster).description == "postmaster@example.org")
        #expect(rules.expansion(of: rules.postmaster) == nil, "it has a mailbox")
        #expect(rules.expansion(of: try EmailAddress(parsing: "PostMaster@dash.example")) == [rules.postmaster])
    }
}

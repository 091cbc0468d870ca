import Configuration
import MessageFormat
import Testing

@Suite struct AliasTests {
    static let start = """
        hostname: mail.example.org
        listeners: [{address: ":25"}]
        routes: {r: {type: discard}, s: {type: discard}}
        relayDomains: [backup.example, "*.hub.example"]

        """

    static let mistakes: [(String, [String])] = [
        ("domains: {example.org: {route: r, aliases: {a: b, b: c, c: a}}}",
         ["5:48: domains.example.org.aliases.a: leads in circles: a@example.org -> b@example.org -> c@example.org -> a@example.org",
          "5:54: domains.example.org.aliases.b: leads in circles: b@example.org -> c@example.org -> a@example.org -> b@example.org",
          "5:60: domains.example.org.aliases.c: leads in circles: c@example.org -> a@example.org -> b@example.org -> c@example.org"]),
        ("domains: {example.org: {route: r, aliases: {a: a}}}", ["5:48: domains.example.org.aliases.a: leads to itself, and there is no such mailbox"]),
        ("domains: {example.org: {route: r, mailboxes: [x], aliases: {a: [x, nobody]}}}",
         ["5:64: domains.example.org.aliases.a: leads to 'nobody@example.org', which is no mailbox or alias of its domain"]),
        ("domains: {example.org: {route: r, mailboxes: [x], catchAll: nobody}}", ["5:61: domains.example.org.catchAll: leads to 'nobody@example.org', which is no mailbox or alias of its domain"]),
        ("domains: {example.org: {route: r, mailboxes: [x]}}\naliases: {b@elsewhere.example: x@example.org}",
         ["6:11: aliases.b@elsewhere.example: 'elsewhere.example' is neither a local nor a relay domain: its aliases would never be used"]),
        ("domains: {example.org: {route: r, mailboxes: [x]}}\naliases: {B@backup.example: Z@example.org}",
         ["6:29: aliases.B@backup.example: leads to 'Z@example.org', which is no mailbox or alias of its domain"]),
        ("domains: {example.org: {route: r, mailboxes: [x]}}\nbounces: {postmaster: root@example.org}",
         ["6:23: bounces.postmaster: leads to 'root@example.org', which is no mailbox or alias of its domain"]),
        ("domains: {example.org: {route: r, mailboxes: [x], aliases: {a: b, b: c, c: x}}}\nqueue: {maxAliasDepth: 2}",
         ["5:64: domains.example.org.aliases.a: is more than 2 steps from its end (queue.maxAliasDepth)"]),
        ("domains: {a.example: {route: r, aliases: {x: x@b.example}}, b.example: {route: r, aliases: {x: X@A.example}}}",
         ["5:46: domains.a.example.aliases.x: leads in circles: x@a.example -> x@b.example -> x@a.example",
          "5:96: domains.b.example.aliases.x: leads in circles: x@b.example -> x@a.example -> x@b.example"]),
    ]

    @Test(arguments: mistakes)
    func isNamed(text: String, expected: [String]) {
        #expect(MistakeTests.mistakes(AliasTests.start + text) == expected.map { "baton.yaml:\($0)" })
    }

    static let table = """
        domains:
          example.org:
            route: r
            mailboxes: [Alice, bob, odd+name]
            aliases:
              sales: [alice, bob, carol@partner.example]
              bob: [bob, alice]
              info+press: alice
          every.example: {route: s, mailboxes: "*", subaddressSeparator: none}
          caught.example: {route: r, mailboxes: [a], catchAll: [a, b@elsewhere.example]}
          bücher.example: {route: r, mailboxes: [a], subaddressSeparator: "-"}
        aliases:
          alias@backup.example: alice@example.org
          direct@example.org: x@elsewhere.example
        bounces: {postmaster: alice@example.org}
        """

    static func address(_ text: String) throws -> EmailAddress { try EmailAddress(parsing: text) }

    static let recipients: [(String, RecipientTable.Finding)] = [
        ("alice@example.org", .mailbox(route: "r")), ("ALICE@Example.ORG", .mailbox(route: "r")),
        ("alice+tag@example.org", .mailbox(route: "r")), ("alice+a+b@example.org", .mailbox(route: "r")),
        ("odd+name@example.org", .mailbox(route: "r")), ("odd@example.org", .unknown), ("+@example.org", .unknown),
        ("nobody@example.org", .unknown), ("nobody+tag@example.org", .unknown), ("alice-tag@example.org", .unknown),
        ("any.body@every.example", .mailbox(route: "s")), ("a-tag@xn--bcher-kva.example", .mailbox(route: "r")),
        ("a+tag@bücher.example", .unknown), ("x@backup.example", .relayed), ("x@a.b.hub.example", .relayed),
        ("x@hub.example", .remote), ("x@sub.example.org", .remote), ("x@[192.0.2.1]", .remote),
    ]

    @Test(arguments: recipients)
    func finds(text: String, finding: RecipientTable.Finding) throws {
        let configuration = try BatonConfiguration.check(AliasTests.start + AliasTests.table, file: "baton.yaml", files: .everything)
        #expect(RecipientTable(configuration).find(try AliasTests.address(text)) == finding)
    }

    static let expansions: [(String, [String]?)] = [
        ("Sales@example.org", ["alice@example.org", "bob@example.org", "carol@partner.example"]),
        ("sales+tag@example.org", ["alice@example.org", "bob@example.org", "carol@partner.example"]),
        ("bob@example.org", ["bob@example.org", "alice@example.org"]), ("BOB@example.org", ["BOB@example.org", "alice@example.org"]), ("info+press@example.org", ["alice@example.org"]),
        ("alice@example.org", nil), ("other@caught.example", ["a@caught.example", "b@elsewhere.example"]),
        ("a@caught.example", nil), ("alias@backup.example", ["alice@example.org"]), ("direct@example.org", ["x@elsewhere.example"]), ("Direct+tag@example.org", ["x@elsewhere.example"]),
        ("postmaster@example.org", ["alice@example.org"]), ("PostMaster@caught.example", ["alice@example.org"]),
        ("postmaster@every.example", ["alice@example.org"]), ("x@elsewhere.example", nil),
    ]

    @Test(arguments: expansions)
    func expands(text: String, targets: [String]?) throws {
        let configuration = try BatonConfiguration.check(AliasTests.start + AliasTests.table, file: "baton.yaml", files: .everything)
        let table = RecipientTable(configuration)
        #expect(table.expansion(of: try AliasTests.address(text)) == (try targets?.map(AliasTests.address)))
    }

    @Test("An alias of a domain that is not served for everybody lets nobody send there")
    func remoteAliasesAreNotServed() throws {
        var configuration = try BatonConfiguration.check(AliasTests.start + AliasTests.table, file: "baton.yaml", files: .everything)
        let remote = try AliasTests.address("x@elsewhere.example")
        configuration.aliases[remote] = [try AliasTests.address("alice@example.org")]
        #expect(RecipientTable(configuration).find(remote) == .remote)
        #expect(RecipientTable(configuration).find(try AliasTests.address("alias@backup.example")) == .alias([try AliasTests.address("alice@example.org")]))
    }

    @Test func aCopyToOneselfHasARoute() throws {
        let configuration = try BatonConfiguration.check(AliasTests.start + AliasTests.table, file: "baton.yaml", files: .everything)
        let table = RecipientTable(configuration)
        #expect(table.mailboxRoute(of: try AliasTests.address("bob@example.org")) == "r")
        #expect(table.mailboxRoute(of: try AliasTests.address("sales@example.org")) == nil)
        #expect(table.mailboxRoute(of: try AliasTests.address("x@elsewhere.example")) == nil)
    }
}

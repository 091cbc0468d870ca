import Configuration
import Testing

@Suite struct MistakeTests {
    /// The mistakes of `text`, a whole file.
    static func mistakes(_ text: String, files: FileFacts = .everything) -> [String] {
        do throws(ConfigurationError) {
            _ = try BatonConfiguration.check(text, file: "baton.yaml", files: files)
            return []
        } catch {
            return error.mistakes.map(\.description)
        }
    }

    /// The mistakes of a small right file with `text` after its third line.
    static func mistakes(after text: String) -> [String] {
        mistakes("hostname: mail.example.org\nlisteners:\n  - address: \"127.0.0.1:25\"\n" + text)
    }

    static let cases: [(String, [String])] = [
        ("", []),
        ("queue:\n  lifetme: 5d\n", ["5:3: queue.lifetme: unknown key; did you mean 'lifetime'?"]),
        ("qeue:\n  lifetime: 5d\n", ["4:1: qeue: unknown key; did you mean 'queue'?"]),
        ("retention:\n  colour: red\n", ["5:3: retention.colour: unknown key; expected one of events"]),
        ("queue:\n  lifetime: 5\n", ["5:13: queue.lifetime: expected a duration such as 30s, 5m, 4h or 5d, found '5'"]),
        ("queue:\n  lifetime: 5 days\n", ["5:13: queue.lifetime: expected a duration such as 30s, 5m, 4h or 5d, found '5 days'"]),
        ("queue:\n  lifetime: 99d\n", ["5:13: queue.lifetime: expected a duration from 1m to 60d, found '99d'"]),
        ("queue:\n  lifetime: 99999999999999999999d\n", ["5:13: queue.lifetime: expected a duration such as 30s, 5m, 4h or 5d, found '99999999999999999999d'"]),
        ("queue:\n  lifetime:\n    days: 5\n", ["6:5: queue.lifetime: expected a duration, found a section"]),
        ("queue:\n  lifetime: [5d]\n", ["5:13: queue.lifetime: expected a duration, found a list"]),
        ("queue:\n  lifetime:\n", ["5:12: queue.lifetime: expected a duration, found nothing"]),
        ("queue: 5d\n", ["4:8: queue: expected a section of keys, found '5d'"]),
        ("queue:\n  lifetime: 5d\n  lifetime: 4d\n", ["6:3: lifetime: the key is there twice"]),
        ("queue:\n  a: 1\n  a: 2\n  a: 3\n", ["5:3: queue.a: unknown key; expected one of lifetime, bounceLifetime, retrySchedule, retryJitter, delayNotices, maxMessages, maxActive, maxResolving, bodyMemory, operationGroup, maxExpandedRecipients, maxAliasDepth",
                                              "6:3: a: the key is there twice", "7:3: a: the key is there twice"]),
        ("log: {level: info, level: debug}\n", ["4:7: level: the key is there twice"]),
        ("queue:\n  lifetime: 5d\n  lifetime: 4d\nlog:\n  levle: info\nlog:\n  level: all\n",
         ["6:3: lifetime: the key is there twice", "8:3: log.levle: unknown key; did you mean 'level'?", "9:1: log: the key is there twice"]),
        ("queue:\n  retrySchedule: []\n", ["5:18: queue.retrySchedule: expected 1 to 100 durations, found 0"]),
        ("queue:\n  retrySchedule: [1m, soon, 2]\n",
         ["5:23: queue.retrySchedule[1]: expected a duration such as 30s, 5m, 4h or 5d, found 'soon'",
          "5:29: queue.retrySchedule[2]: expected a duration such as 30s, 5m, 4h or 5d, found '2'"]),
        ("queue:\n  retryJitter: 0.1\n", ["5:16: queue.retryJitter: expected a percentage from 0% to 50%, found '0.1'"]),
        ("limits:\n  maxMessageSize: 50 MB of mail\n", ["5:19: limits.maxMessageSize: expected a size such as 512B, 256KiB, 50MiB or 2GiB, found '50 MB of mail'"]),
        ("limits:\n  maxMessageSize: 9999999999999999999\n", ["5:19: limits.maxMessageSize: expected a size such as 512B, 256KiB, 50MiB or 2GiB, found '9999999999999999999'"]),
        ("limits:\n  maxMessageSize: 10kB\n", ["5:19: limits.maxMessageSize: expected a size from 64KiB to 2GiB, found '10kB'"]),
        ("limits:\n  maxRecipients: 50\n", ["5:18: limits.maxRecipients: expected a whole number from 100 to 100000, found '50'"]),
        ("log:\n  level: infos\n", ["5:10: log.level: expected one of trace, debug, info, notice, warning, error (did you mean 'info'?), found 'infos'"]),
        ("relayNetworks: [192.0.2.0/33]\n", ["4:17: relayNetworks[0]: expected a network such as 192.0.2.0/24 or 2001:db8::/32, found '192.0.2.0/33'"]),
        ("relayNetworks: 192.0.2.1/24\n", ["4:16: relayNetworks[0]: expected a network without host bits such as 192.0.2.0/24, found '192.0.2.1/24'"]),
        ("relayDomains: [exa mple.org]\n", ["4:16: relayDomains[0]: expected a domain such as example.org or *.example.org (the domain is not valid), found 'exa mple.org'"]),
        ("dns:\n  forwarders: resolver.example\n", ["5:15: dns.forwarders[0]: expected a server address such as 192.0.2.1 or [2001:db8::1]:53, found 'resolver.example'"]),
        ("dns:\n  zone: zone.json\n  forwarders: [192.0.2.1]\n", ["6:3: dns.forwarders: has no meaning beside dns.zone: nothing is asked of the network"]),
        ("bounces:\n  postmaster: admin\n", ["5:15: bounces.postmaster: expected an address such as alice@example.org (the part before the @ is not valid), found 'admin'"]),
        ("spool:\n  segmentSize: 128MiB\n",
         ["5:16: spool.segmentSize: spool.minFree must be at least twice spool.segmentSize: deliveries need room in the log when mail gets none"]),
        ("spool:\n  minFree: 1MiB\n",
         ["5:12: spool.minFree: spool.minFree must be at least twice spool.segmentSize: deliveries need room in the log when mail gets none"]),
        ("spool:\n  segmentSize: 1500000\n", ["5:16: spool.segmentSize: expected a multiple of 4KiB"]),
        ("delivery:\n  sourceAddresses: [192.0.2.1, 192.0.2.2]\n", ["5:20: delivery.sourceAddresses: expected at most one IPv4 and one IPv6 address"]),
        ("limits:\n  softErrors: 30\n", ["5:15: limits.softErrors: limits.softErrors must not be more than limits.hardErrors"]),
        ("queue:\n  lifetime: 1d\n  bounceLifetime: 2d\n", ["6:19: queue.bounceLifetime: queue.bounceLifetime must not be more than queue.lifetime"]),
        ("queue:\n  lifetime: 1d\n", []),
        ("queue:\n  delayNotices: [4h, 6d]\n", ["5:22: queue.delayNotices[1]: queue.delayNotices[1] must not be more than queue.lifetime"]),
        ("true: 1\n", ["4:1: true: unknown key; expected one of hostname, listeners, domains, relayDomains, relayNetworks, aliases, routes, rules, credentials, sandbox, spool, queue, delivery, tls, authentication, limits, policy, verification, forwarding, dns, dkim, bounces, log, control, retention"]),
        ("forwarding: {seal: {domain: a.example, selector: s}}\ndkim: {directory: /keys}\n",
         ["4:20: forwarding.seal: 'selector' and 'keyFile' belong together: expected both or neither"]),
        ("forwarding: {seal: {domain: a.example}}\n", ["4:20: forwarding.seal: there is no key to seal with: set 'keyFile' and 'selector', or dkim.directory"]),
        ("forwarding: {seal: {domain: a.example}}\ndkim: {directory: /keys}\nverification: {mode: off}\n",
         ["4:20: forwarding.seal: nothing would be sealed, since no listener verifies senders (verification.mode)"]),
        ("control:\n  socket: /run/baton/submit\n", ["5:11: control.socket: control.socket and control.submitSocket must differ"]),
    ]

    @Test(arguments: cases)
    func isNamed(text: String, expected: [String]) {
        #expect(MistakeTests.mistakes(after: text) == expected.map { "baton.yaml:\($0)" })
    }

    @Test func anEmptyFile() {
        #expect(MistakeTests.mistakes("") == ["baton.yaml: the key 'hostname' is missing (domain)", "baton.yaml: the key 'listeners' is missing (list of listeners)"])
        #expect(MistakeTests.mistakes("# nothing\n---\n").count == 2)
    }

    @Test func whatIsNoYAML() {
        #expect(MistakeTests.mistakes("hostname: [a\n").first?.hasPrefix("baton.yaml:2:1: not YAML: ") == true)
        #expect(MistakeTests.mistakes("hostname: a\n\tlisteners: b\n") == [
            "baton.yaml:2:1: not YAML: found a tab character that violates indentation (while scanning a plain scalar, which began at line 1)",
        ])
        #expect(MistakeTests.mistakes("hostname: \"a\n").first?.contains("not YAML") == true)
        #expect(MistakeTests.mistakes("- a\n- b\n") == ["baton.yaml:1:1: expected a section of keys, found a list"])
        #expect(MistakeTests.mistakes("hostname: a\u{0}b\n").count > 0)
        #expect(MistakeTests.mistakes("a: *nothing\n").count > 0)
    }

    @Test func allAtOnce() {
        let text = """
            hostname: mail
            listeners:
              - address: 25
              - adress: ":26"
                dialect: smtps
            domains:
              example.org: {route: mailbox}
            routes:
              mailboxes: {type: maildir}
            limit:
            """
        #expect(MistakeTests.mistakes(text) == [
            "baton.yaml:1:11: hostname: expected a fully qualified name such as mail.example.org",
            "baton.yaml:3:14: listeners[0].address: expected an address such as 127.0.0.1:25, [::1]:25, :25 or unix:/run/baton/lmtp, found '25'",
            "baton.yaml:4:5: listeners[1]: the key 'address' is missing (listen address)",
            "baton.yaml:4:5: listeners[1].adress: unknown key; did you mean 'address'?",
            "baton.yaml:5:14: listeners[1].dialect: expected one of smtp, submission, lmtp (did you mean 'smtp'?), found 'smtps'",
            "baton.yaml:7:3: domains.example.org: accepts no recipient: expected mailboxes, aliases or a catchAll",
            "baton.yaml:9:14: routes.mailboxes: a route of type maildir needs the key 'path'",
            "baton.yaml:10:1: limit: unknown key; did you mean 'limits'?",
        ])
    }

    @Test func anAbsentFile() {
        #expect { try BatonConfiguration.load("/nonexistent/baton.yaml") } throws: {
            "\($0)" == "/nonexistent/baton.yaml: the file cannot be read: No such file or directory"
        }
    }

    @Test func everyPrefixOfTheExampleIsSurvived() {
        let lines = BatonConfiguration.exampleFile.split(separator: "\n", omittingEmptySubsequences: false)
        for count in 0..<lines.count where !lines[count].hasPrefix("#") {
            _ = MistakeTests.mistakes(lines[..<count].joined(separator: "\n"))
        }
        let text = Array(BatonConfiguration.exampleFile.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("#") }.joined(separator: "\n"))
        for count in 0..<text.count { _ = MistakeTests.mistakes(String(text[..<count])) }
    }
}

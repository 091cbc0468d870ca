import Configuration
import Testing

@Suite struct RouteMistakeTests {
    static let start = "hostname: mail.example.org\nlisteners: [{address: \"127.0.0.1:25\"}]\n"

    static let cases: [(String, [String])] = [
        ("domains: {example.org: {route: mailbox, mailboxes: [a]}}\nroutes: {mailboxes: {type: sandbox, path: /mail}}",
         ["3:32: domains.example.org.route: there is no route 'mailbox'; did you mean 'mailboxes'?"]),
        ("domains: {example.org: {route: elsewhere, mailboxes: [a]}}",
         ["3:32: domains.example.org.route: there is no route 'elsewhere'; routes are mx"]),
        ("domains: {Example.ORG: {route: mx, mailboxes: [a]}}",
         ["3:32: domains.example.org.route: the domain is local: its mail exchange is this host, so that mail would go in circles"]),
        ("domains: {example.org: {mailboxes: [a]}}", ["3:24: domains.example.org: the key 'route' is missing (route name)"]),
        ("domains: {example.org: {route: r, mailboxes: [a]}, EXAMPLE.org: {route: r, mailboxes: [a]}}\nroutes: {r: {type: discard}}",
         ["3:52: domains.example.org: is there twice"]),
        ("relayDomains: [\"*.example.org\"]\ndomains: {sub.example.org: {route: r, mailboxes: \"*\"}}\nroutes: {r: {type: discard}}",
         ["3:16: relayDomains[0]: 'sub.example.org' is a local domain (domains.sub.example.org); it cannot be relayed too"]),
        ("routes: {r: {type: mx, hosts: [a.example]}}", ["3:24: routes.r.hosts: a route of type mx has no such key; it is for smarthost and lmtp"]),
        ("routes: {r: {type: smarthost}}", ["3:13: routes.r: a route of type smarthost needs the key 'hosts'"]),
        ("routes: {r: {type: smarthost, hosts: []}}", ["3:38: routes.r.hosts: expected 1 to 100 hosts, found 0"]),
        ("routes: {r: {type: smarthost, hosts: [\"unix:/run/x\"]}}", ["3:39: routes.r.hosts[0]: expected a host for SMTP; Unix sockets are for routes of type lmtp"]),
        ("routes: {r: {type: smarthost, hosts: [192.0.2.300]}}",
         ["3:39: routes.r.hosts[0]: expected a host such as mail.example.org, mail.example.org:587, [2001:db8::1]:25 or unix:/run/dovecot/lmtp, found '192.0.2.300'"]),
        ("routes: {r: {type: reject, reply: 450 4.7.1 later}}", ["3:35: routes.r.reply: expected a permanent reply such as '550 5.1.6 Moved' in ASCII, found '450 4.7.1 later'"]),
        ("routes: {r: {type: maildirs, path: /x}}",
         ["3:20: routes.r.type: expected one of mx, smarthost, lmtp, maildir, sandbox, discard, reject (did you mean 'maildir'?), found 'maildirs'"]),
        ("routes: {r: {type: maildir, path: \"/mail/{name}\"}}", ["3:35: routes.r.path: expected no other placeholders than {domain}, {user}, {tag}"]),
        ("routes: {r: {type: maildir, path: \"/mail/../{user}\"}}", ["3:35: routes.r.path: expected a path without '..'"]),
        ("routes: {r: {type: sandbox, path: \"/mail/{user}\"}}", ["3:35: routes.r.path: a sandbox is one directory: expected a path without placeholders"]),
        ("domains: {example.org: {route: r, mailboxes: [a, b]}}\nroutes: {r: {type: maildir, path: \"/mail/{domain}\"}}",
         ["4:35: routes.r.path: without {user}, the mailboxes of a domain would share one Maildir"]),
        ("domains: {a.example: {route: r, mailboxes: [a]}, b.example: {route: r, mailboxes: [a]}}\nroutes: {r: {type: maildir, path: \"/mail/{user}\"}}",
         ["4:35: routes.r.path: without {domain}, the same user of 2 domains would share one Maildir"]),
        ("routes: {\"a b\": {type: mx}}", ["3:10: routes.a b: expected a route name of letters, digits, '-' and '_', found 'a b'"]),
        ("rules: [{route: r}, {recipients: a.example, route: mx}]\nroutes: {r: {type: discard}}",
         ["3:9: rules[0]: this rule fits all mail: rules[1] and later ones would never be reached"]),
        ("rules: [{recipients: <>, route: mx}]", ["3:22: rules[0].recipients[0]: expected a domain such as example.org or *.example.org (the domain is not valid), found '<>'"]),
        ("rules: [{recipients: example.org, route: mx}]\ndomains: {example.org: {route: r, mailboxes: [a]}}\nroutes: {r: {type: discard}}",
         ["3:22: rules[0].recipients[0]: 'example.org' is a local domain: its mail goes by domains.example.org.route, never by a rule"]),
    ]

    @Test(arguments: cases)
    func isNamed(text: String, expected: [String]) {
        #expect(MistakeTests.mistakes(RouteMistakeTests.start + text) == expected.map { "baton.yaml:\($0)" })
    }

    @Test func listenersThatCollide() {
        let text = "hostname: mail.example.org\nlisteners:\n  - address: \":25\"\n  - address: \"127.0.0.1:25\"\n  - address: \"[::]:26\"\n  - address: \"0.0.0.0:26\"\n  - address: unix:/run/a\n  - address: unix:/run/a\n"
        #expect(MistakeTests.mistakes(text) == [
            "baton.yaml:4:14: listeners[1].address: '127.0.0.1:25' is taken by listeners[0] (':25')",
            "baton.yaml:8:14: listeners[5].address: 'unix:/run/a' is taken by listeners[4] ('unix:/run/a')",
        ])
    }

    static let listenMistakes = ["25", "localhost:25", "::1:25", ":0", ":70000", "unix:relative", "unix:/" + String(repeating: "a", count: 107), "[127.0.0.1]:25"]

    @Test(arguments: listenMistakes)
    func addressesThatNobodyCanListenOn(address: String) {
        let mistakes = MistakeTests.mistakes("hostname: mail.example.org\nlisteners: [{address: \"\(address)\"}]")
        #expect(mistakes.count == 1 && mistakes[0].contains("listeners[0].address: expected an address such as"))
    }
}

@Suite struct FileMistakeTests {
    static let cases: [(String, String)] = [
        ("dns: {zone: /missing.json}", "3:13: dns.zone: there is no file '/missing.json'"),
        ("dns: {trustAnchor: /secret.key}", "3:20: dns.trustAnchor: the file '/secret.key' cannot be read"),
        ("dns: {hostsFile: /folder}", "3:18: dns.hostsFile: expected a file, but '/folder' is a directory"),
        ("bounces: {templates: /file.txt}", "3:22: bounces.templates: there is no directory '/file.txt'"),
        ("spool: {directory: /missing/spool}", "3:20: spool.directory: there is neither a directory '/missing/spool' nor '/missing' to make it in"),
        ("spool: {directory: /file.txt}", "3:20: spool.directory: expected a directory, but '/file.txt' is none"),
        ("routes: {r: {type: sandbox, path: /missing/sandbox}}",
         "3:35: routes.r.path: there is neither a directory '/missing/sandbox' nor '/missing' to make it in"),
    ]

    static let files = FileFacts { path in
        switch path {
        case "/file.txt": .readableFile
        case "/secret.key": .unreadableFile
        case "/folder", "/", "/var/lib", "/usr/share/dns/root.key": path.hasSuffix(".key") ? .readableFile : .directory
        default: .missing
        }
    }

    @Test(arguments: cases)
    func isNamed(text: String, expected: String) {
        #expect(MistakeTests.mistakes(RouteMistakeTests.start + text, files: FileMistakeTests.files) == ["baton.yaml:" + expected])
    }

    @Test("A directory that is not there yet is made in one that is")
    func aNewSpool() {
        #expect(MistakeTests.mistakes(RouteMistakeTests.start + "spool: {directory: /folder/new/}", files: FileMistakeTests.files) == [])
    }

    @Test func theDefaultTrustAnchorMustBeThere() {
        let none = FileFacts { _ in .missing }
        #expect(MistakeTests.mistakes(RouteMistakeTests.start + "spool: {directory: /}", files: none).first
            == "baton.yaml:1:1: dns.trustAnchor: there is no file '/usr/share/dns/root.key': install the package dns-root-data, or set 'none' for no DNSSEC validation")
    }

    @Test func aTrustAnchorIsOptional() {
        #expect(MistakeTests.mistakes(RouteMistakeTests.start + "dns: {trustAnchor: none}", files: FileMistakeTests.files) == [])
    }
}

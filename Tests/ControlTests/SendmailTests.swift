import MessageFormat
import SMTP
import Testing

@testable import Control

@Suite("Sendmail's arguments")
struct SendmailArgumentsTests {
    private func parse(_ line: String) throws -> SendmailArguments {
        try SendmailArguments(line.split(separator: " ").map(String.init))
    }

    @Test("options joined to their letter or apart, flags joined or apart")
    func forms() throws {
        for line in ["-t -i -f me@x.example bob", "-ti -fme@x.example bob", "-oi -t -r me@x.example bob", "-i -t -fme@x.example -- bob"] {
            let arguments = try parse(line)
            #expect(arguments.readsRecipients)
            #expect(arguments.ignoresDots)
            #expect(arguments.sender == "me@x.example")
            #expect(arguments.recipients == ["bob"])
            #expect(arguments.mode == .send)
        }
    }

    @Test("what cron, mail clients and PHP pass is taken")
    func realPrograms() throws {
        #expect(try parse("-FCronDaemon -i -B8BITMIME -oem root").fullName == "CronDaemon")
        #expect(try parse("-i -FCronDaemon -odi -oem -oi -t -f root").readsRecipients)
        #expect(try parse("-oi -oem -f me@x.example -- bob eve").recipients == ["bob", "eve"])
        #expect(try parse("-O DeliveryMode=b bob").recipients == ["bob"])
        #expect(try parse("-bm -Am bob").recipients == ["bob"])
        #expect(try parse("-bs").mode == .smtp)
        #expect(try parse("-bp").mode == .list)
        #expect(try parse("-bi").mode == .rebuildAliases)
        #expect(try parse("-q15m").mode == .flush)
    }

    @Test("DSN options")
    func notifications() throws {
        let arguments = try parse("-N success,delay -R hdrs -V id-1 bob")
        #expect(arguments.notify == [.success, .delay])
        #expect(arguments.returnContent == .headers)
        #expect(arguments.envelopeID == "id-1")
        #expect(try parse("-N never bob").notify == .never)
    }

    @Test("mistakes are named", arguments: ["-N sometimes", "-R half", "-bd", "-f", "-Z", "--nonsense"])
    func mistakes(_ line: String) {
        #expect(throws: SendmailArguments.Mistake.self) { try parse(line) }
    }

    @Test("an empty sender is the null one")
    func nullSender() throws {
        let arguments = try SendmailArguments(["-f", "<>", "bob"])
        let message = try LocalMessage(arguments, input: Array("x\n".utf8), user: "me", host: "h.example")
        #expect(message.reversePath == .null)
    }
}

@Suite("Addresses in header fields")
struct AddressListTests {
    @Test("names, comments, groups, routes, quotes and folds", arguments: [
        ("a@x.example, b@y.example", ["a@x.example", "b@y.example"]),
        ("\"Doe, J.\" <j@x.example>", ["j@x.example"]),
        ("Jane <j@x.example>,\r\n\tbob (that (one), really)", ["j@x.example", "bob"]),
        ("team: a@x.example, B <b@y.example>; c@z.example", ["a@x.example", "b@y.example", "c@z.example"]),
        ("undisclosed-recipients:;", []),
        ("\"a,b\"@x.example", ["\"a,b\"@x.example"]),
        ("\"a\\\"b\"@x.example", ["\"a\\\"b\"@x.example"]),
        ("<@r.example,@s.example:u@x.example>", ["u@x.example"]),
        ("u@[IPv6:2001:db8::1]", ["u@[IPv6:2001:db8::1]"]),
        ("a . b @ x.example", ["a.b@x.example"]),
        (" , ,", []),
        ("<", []), ("\"", ["\""]), ("((((", []), ("<a@x.example", ["a@x.example"]),
    ] as [(String, [String])])
    func table(_ body: String, _ expected: [String]) {
        #expect(AddressList.addresses(in: body.utf8) == expected)
    }
}

@Suite("Local messages")
struct LocalMessageTests {
    private func make(_ options: String, _ input: String) throws -> LocalMessage {
        let arguments = try SendmailArguments(options.split(separator: " ").map(String.init))
        return try LocalMessage(arguments, input: Array(input.utf8), user: "me", host: "host.example")
    }
    private func text(_ message: LocalMessage) -> String { String(decoding: message.content, as: UTF8.self) }

    @Test("recipients come from To, Cc and Bcc, and Bcc is removed, folds and all")
    func headerRecipients() throws {
        let message = try make("-t -fme@x.example eve@y.example", """
            To: a@x.example,
             b@x.example
            bcc: secret@x.example,
            \tmore@x.example
            Cc: a@x.example
            From: me@x.example
            Subject: s

            Bcc: this is the body

            """)
        #expect(message.recipients.map(\.description)
            == ["eve@y.example", "a@x.example", "b@x.example", "secret@x.example", "more@x.example"])
        #expect(text(message) == "To: a@x.example,\r\n b@x.example\r\nCc: a@x.example\r\nFrom: me@x.example\r\nSubject: s\r\n\r\nBcc: this is the body\r\n")
    }

    @Test("without -t the header names nobody, and Bcc is removed all the same")
    func argumentRecipients() throws {
        let message = try make("bob", "To: a@x.example\nBcc: b@x.example\nFrom: me@x.example\n\nx\n")
        #expect(message.recipients.map(\.description) == ["bob@host.example"])
        #expect(text(message) == "To: a@x.example\r\nFrom: me@x.example\r\n\r\nx\r\n")
        #expect(message.reversePath.address?.description == "me@host.example")
    }

    @Test("Resent fields take the place of the others")
    func resent() throws {
        let message = try make("-t", "Resent-To: new@x.example\nResent-Bcc: hidden@x.example\nTo: old@x.example\nFrom: a@x.example\n\nx\n")
        #expect(message.recipients.map(\.description) == ["new@x.example", "hidden@x.example"])
        #expect(!text(message).contains("hidden"))
    }

    @Test("a missing From is added, with the name given")
    func addedFrom() throws {
        #expect(try text(make("-FJane bob", "Subject: s\n\nx\n")) == "From: Jane <me@host.example>\r\nSubject: s\r\n\r\nx\r\n")
        #expect(try text(make("bob", "just text\n")) == "From: me@host.example\r\n\r\njust text\r\n")
        #expect(try text(make("-F Evil\r\nX: bob", "\nx\n")).hasPrefix("From: "))
        let arguments = try SendmailArguments(["-F", "Evil\r\nBcc: x@y.example", "bob"])
        let message = try LocalMessage(arguments, input: Array("\nx\n".utf8), user: "me", host: "host.example")
        #expect(!text(message).contains("\nBcc"))
    }

    @Test("a lone dot ends the message unless it is to be ignored")
    func loneDot() throws {
        #expect(try text(make("bob", "From: a@x.example\n\nx\n.\ny\n")) == "From: a@x.example\r\n\r\nx\r\n")
        #expect(try text(make("-i bob", "From: a@x.example\n\nx\n.\ny\n")) == "From: a@x.example\r\n\r\nx\r\n.\r\ny\r\n")
        #expect(try text(make("bob", "From: a@x.example\n\n..\n.x\n")) == "From: a@x.example\r\n\r\n..\r\n.x\r\n")
    }

    @Test("every line end becomes CRLF: nothing can smuggle a second message", arguments: [
        ("a\nb", "a\r\nb\r\n"), ("a\r\nb\r\n", "a\r\nb\r\n"), ("a\rb", "a\r\nb\r\n"), ("a\r\r\nb\n\r", "a\r\n\r\nb\r\n\r\n"), ("", ""),
        ("\n.\n", "\r\n.\r\n"), ("\r.\r", "\r\n.\r\n"),
    ])
    func lineEnds(_ input: String, _ expected: String) {
        let mail = LocalText.mail(from: Array(input.utf8), endsAtDot: false)
        #expect(String(decoding: mail, as: UTF8.self) == expected)
    }

    @Test("the line of a mailbox file is dropped")
    func mailboxLine() throws {
        #expect(try text(make("bob", "From bob Sat Nov 21\nFrom: a@x.example\n\nx\n")) == "From: a@x.example\r\n\r\nx\r\n")
    }

    @Test("no recipient, and recipients that are none, are mistakes")
    func mistakes() throws {
        #expect(throws: LocalMessage.Mistake.noRecipients) { try make("-t", "Subject: s\n\nx\n") }
        #expect(throws: LocalMessage.Mistake.address("a@@b")) { try make("a@@b", "x\n") }
        #expect(throws: LocalMessage.Mistake.header) { try make("bob", String(repeating: "A: b\n", count: 100_000) + "\nx\n") }
    }
}

@Suite("Text on terminals")
struct TerminalTextTests {
    @Test("controls, C1, bidirectional and invisible characters are shown, not obeyed")
    func escapes() {
        #expect(TerminalText.safe("plain ü 日本") == "plain ü 日本")
        #expect(TerminalText.safe("\u{1b}[2J\u{9b}31m\u{202e}x\u{200b}\r\n\u{7f}") == "\\u{1b}[2J\\u{9b}31m\\u{202e}x\\u{200b}\\u{d}\\u{a}\\u{7f}")
    }

    @Test("JSON stays the same value")
    func json() throws {
        let value = ["k": "a\u{9b}b\u{202e}c\u{1b}\u{e0041}ü"]
        let text = WireLine.pretty(value)
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0 == "ü" || (0x20..<0x7f).contains($0.value) })
        #expect(try WireLine.decode([String: String].self, from: text.utf8) == value)
    }
}

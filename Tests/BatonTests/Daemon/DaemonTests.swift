@testable import baton
import Configuration
import Control
import Testing

/// The whole of the daemon on real sockets and files.
@Suite struct DaemonTests {
    @Test("A message from a stranger ends in the mailboxes that its recipient stands for, and nowhere else")
    func delivers() async throws {
        let running = try RunningDaemon(1, RunningDaemon.configuration(1))
        #expect(running.manager.next()?.hasPrefix("READY=1\nSTATUS=serving on \(RunningDaemon.address(1)):2525") == true)
        let dialog = try running.connect()
        #expect(dialog.greeting == "220 mx.test.example ESMTP Baton\r\n")
        #expect(dialog.say("EHLO client.example").hasPrefix("250-mx.test.example\r\n"))
        #expect(dialog.say("MAIL FROM:<x@client.example>").hasPrefix("250 2.1.0"))
        #expect(dialog.say("RCPT TO:<nobody@here.example>").hasPrefix("550 5.1.1"))
        #expect(dialog.say("RCPT TO:<x@elsewhere.example>").hasPrefix("554 5.7.1"))
        #expect(dialog.say("QUIT").hasPrefix("221"))

        let id = try running.send(to: "Sales+tag@here.example", "Subject: hello\r\n\r\n..dots\r\ntext")
        var open: Set = ["alice", "bob"]
        while !open.isEmpty {
            let line = try #require(running.log.line(with: id, "outcome=delivered"), "missing: \(open)")
            for name in open where line.contains("recipient=\(name)@here.example outcome=delivered") { open.remove(name) }
        }
        for name in ["alice", "bob"] {
            let messages = try running.messages("here.example/\(name)")
            let text = try #require(messages.first)
            #expect(messages.count == 1 && text.hasPrefix("Return-Path: <x@client.example>\n"))
            #expect(text.contains("\nReceived: from client.example (") && text.contains("\n\tby mx.test.example with ESMTP id \(id)\n"))
            #expect(text.hasSuffix("\nSubject: hello\n\n.dots\ntext\n"))
        }
        await running.stop()
        #expect(running.manager.next() == "STOPPING=1")
        #expect(try running.folder.read("spool/exit") == "o")
    }

    @Test("A reload puts the file in force without dropping a connection")
    func reloads() async throws {
        let running = try RunningDaemon(2, RunningDaemon.configuration(2))
        let before = try running.connect()
        _ = before.say("EHLO client.example")
        #expect(try !running.accepts("dora@here.example"))
        let changed = try running.reload(RunningDaemon.configuration(2, mailboxes: "[alice, bob, dora]", "log: {format: json, level: debug}"))
        #expect(changed == ReloadReport(changed: ["domains.here.example.mailboxes", "log.format", "log.level"], needRestart: []))
        #expect(try running.accepts("dora@here.example"))
        #expect(before.say("MAIL FROM:<x@client.example>").hasPrefix("250") && before.say("RCPT TO:<bob@here.example>").hasPrefix("250"))
        #expect(before.say("QUIT").hasPrefix("221"))
        #expect(running.log.line(with: "\"event\":\"reloaded\"") != nil)
        #expect(running.log.line(with: "\"event\":\"connected\"") != nil, "a line of level debug")
        await running.stop()
    }

    @Test("A key that needs a restart keeps its value and is named; the others change")
    func keepsWhatNeedsARestart() async throws {
        let running = try RunningDaemon(3, RunningDaemon.configuration(3))
        let report = try running.reload(RunningDaemon.configuration(3, mailboxes: "[alice, bob, dora]", hostname: "other.test.example"))
        #expect(report == ReloadReport(changed: ["domains.here.example.mailboxes"], needRestart: ["hostname"]))
        #expect(try running.connect().greeting == "220 mx.test.example ESMTP Baton\r\n")
        #expect(try running.accepts("dora@here.example"))
        await running.stop()
    }

    @Test("A file that cannot be put in force changes nothing, and says why", arguments: [
        (4, "spool", "spool.segmentSize"), (7, "mistake", "colour: unknown key"),
        (5, "template", "failed.txt: the first line must be “Subject: …”"),
    ] as [(UInt8, String, String)])
    func refusesReloads(number: UInt8, what: String, reason: String) async throws {
        let running = try RunningDaemon(number, RunningDaemon.configuration(number, spool: "segmentSize: 4MiB, minFree: 8MiB"))
        running.folder.makeFolder("templates")
        try running.folder.write("Dear sender", to: "templates/failed.txt")
        let file = RunningDaemon.configuration(
            number, mailboxes: "[alice, bob, dora]",
            // Right by itself, but not with the segments of the running log.
            spool: what == "spool" ? "segmentSize: 1MiB, minFree: 2MiB" : "segmentSize: 4MiB, minFree: 8MiB",
            what == "mistake" ? "colour: red" : what == "template" ? "bounces: {templates: templates}" : "")
        let error = try #require(throws: (any Error).self) { try running.reload(file) }
        #expect("\(error)".contains(reason))
        #expect(try running.connect().greeting == "220 mx.test.example ESMTP Baton\r\n")
        #expect(try !running.accepts("dora@here.example") && running.accepts("alice@here.example"))
        await running.stop()
    }

    @Test("What waits at the end is there at the next start, and goes where the file says then")
    func recovers() async throws {
        let unreachable = "type: smarthost, hosts: \"\(RunningDaemon.address(6)):1\""
        let first = try RunningDaemon(6, RunningDaemon.configuration(6, route: unreachable))
        let id = try first.send(to: "carol@away.example", "Subject: wait\r\n\r\nfor it")
        #expect(first.log.line(with: id, "outcome=deferred") != nil)
        await first.stop()

        let second = try RunningDaemon(6, RunningDaemon.configuration(6, route: "type: maildir, path: \"mail/{domain}/{user}\""),
                                       in: first.folder)
        #expect(second.log.line(with: "event=recovered", "messages=1") != nil)
        #expect(try second.control("flush").hasPrefix("{\"result\""))
        #expect(second.log.line(with: id, "outcome=delivered") != nil)
        let messages = try second.messages("away.example/carol")
        #expect(messages.count == 1 && messages.first?.hasSuffix("Subject: wait\n\nfor it\n") == true)
        await second.stop()
    }
}

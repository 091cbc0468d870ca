import Events
@testable import MailQueue
import MessageFormat
import Ports
import SMTP
import Testing

@Suite struct CleanupTests {
    struct Aliases: AliasTable {
        let table: [String: [String]]
        func expansion(of address: EmailAddress) -> [EmailAddress]? { table[address.description]?.map(Mail.address) }
    }

    static let id = QueueID(rawValue: 0x0000_0100_0000_002a)

    static func prepare(_ envelope: Envelope, body: String = "Subject: x\r\n\r\nhi\r\n", aliases: [String: [String]] = [:],
                        hops: Int = 0, completion: HeaderCompletion = .none,
                        _ configure: (inout CleanupSettings) -> Void = { _ in }) throws(CleanupRefusal) -> Submission {
        var settings = CleanupSettings(hostName: Mail.domain("mx.test.example"))
        configure(&settings)
        var envelope = envelope
        envelope.arrival = Timestamp(nanoseconds: 1_795_287_555_000_000_000)
        return try Cleanup(settings: settings, aliases: Aliases(table: aliases)).prepare(IncomingMessage(
            id: id, envelope: envelope, body: Array(body.utf8), receivedCount: hops, completion: completion))
    }

    private func text(_ submission: Submission) -> String { String(decoding: submission.prefix, as: UTF8.self) }

    // RFC 5321 §4.4
    @Test func traceFieldHasAllClauses() throws {
        var envelope = Mail.envelope(to: "bob@b.example")
        envelope.origin = Origin(clientAddress: .v6(high: 0x2001_0db8_0000_0000, low: 1), clientName: "name.example", helo: "client.example",
                                 transmission: "ESMTPS", tls: "TLSv1.3")
        #expect(try text(Self.prepare(envelope)) == "Received: from client.example (name.example [IPv6:2001:db8::1])\r\n"
            + "\tby mx.test.example with ESMTPS (TLSv1.3) id 000010000001A\r\n"
            + "\tfor <bob@b.example>; Sat, 21 Nov 2026 18:59:15 +0000\r\n")
    }

    // RFC 5321 §7.6
    @Test func traceFieldNamesNoneOfSeveralRecipients() throws {
        #expect(try !text(Self.prepare(Mail.envelope(to: "bob@b.example", "eve@e.example"))).contains("for <"))
    }

    @Test func traceFieldCannotBeBrokenByTheClient() throws {
        var envelope = Mail.envelope(to: "bob@b.example")
        envelope.origin.helo = "x\r\nBcc: (evil);<a> \u{e4}"
        let field = try text(Self.prepare(envelope))
        #expect(field.hasPrefix("Received: from x??Bcc:??evil???a???? ([192.0.2.1])\r\n\tby "))
    }

    @Test func submissionsMayHideTheirClient() throws {
        var envelope = Mail.envelope(to: "bob@b.example")
        envelope.origin.account = "alice"
        #expect(try text(Self.prepare(envelope)).contains("192.0.2.1"))
        #expect(try text(Self.prepare(envelope) { $0.clientInTrace = .hiddenForSubmission }).hasPrefix("Received: by mx.test.example with ESMTP id "))
    }

    @Test func localSubmissionsNameTheUser() throws {
        var envelope = Mail.envelope(to: "bob@b.example")
        envelope.origin = Origin(transmission: "local", userID: 1000)
        #expect(try text(Self.prepare(envelope)).hasPrefix("Received: by mx.test.example (from userid 1000) with local id 000010000001A\r\n"))
    }

    // RFC 6409 §8
    @Test func submissionsGetWhatTheyLack() throws {
        let bare = try Self.prepare(Mail.envelope(to: "bob@b.example"), completion: .submission)
        #expect(text(bare).hasSuffix("Date: Sat, 21 Nov 2026 18:59:15 +0000\r\nMessage-ID: <000010000001A@mx.test.example>\r\n"))
        let whole = try Self.prepare(Mail.envelope(to: "bob@b.example"), body: "DATE: x\r\nmessage-id: <a@b>\r\n\r\n", completion: .submission)
        #expect(!text(whole).contains("Date:") && !text(whole).contains("Message-ID"))
        let relayed = try Self.prepare(Mail.envelope(to: "bob@b.example"))
        #expect(!text(relayed).contains("Date:"))
        let headless = try Self.prepare(Mail.envelope(to: "bob@b.example"), body: "just text\r\n", completion: .submission)
        #expect(headless.prefix.suffix(4) == [0x0d, 0x0a, 0x0d, 0x0a])
    }

    @Test func recipientsAreLimitedWhicheverWayTheyCame() {
        var envelope = Mail.envelope(to: "bob@b.example")
        envelope.recipients = Array(repeating: envelope.recipients[0], count: 11)
        #expect(throws: CleanupRefusal.tooManyRecipients) { try Self.prepare(envelope) { $0.maxRecipients = 10 } }
    }

    // RFC 5322 §2.2.3
    @Test("A message that begins with a blank adds nothing to the trace field", arguments: [HeaderCompletion.none, .submission], [" ", "\t"])
    func blanksDoNotContinueOurFields(completion: HeaderCompletion, blank: String) throws {
        let submission = try Self.prepare(Mail.envelope(to: "bob@b.example"), body: blank + "(from trusted.example)\r\n\r\nhi\r\n", completion: completion)
        #expect(submission.prefix.suffix(4) == [0x0d, 0x0a, 0x0d, 0x0a])
    }

    @Test func sizeCountsPrefixAndBody() throws {
        let submission = try Self.prepare(Mail.envelope(to: "bob@b.example"))
        #expect(submission.envelope.size == UInt64(submission.prefix.count + submission.body.count))
    }

    @Test func utf8HeadersAreNoticed() throws {
        var envelope = Mail.envelope(to: "bob@b.example")
        envelope.content = .eightBitBody
        #expect(try Self.prepare(envelope, body: "Subject: ü\r\n\r\n").envelope.content == [.eightBitBody, .eightBitHeader])
        #expect(try Self.prepare(envelope, body: "Subject: u\r\n\r\nü").envelope.content == .eightBitBody)
    }

    // RFC 5321 §6.3, HOSTILE 31
    @Test func loopsEnd() throws {
        _ = try Self.prepare(Mail.envelope(to: "bob@b.example"), hops: 50)
        #expect(throws: CleanupRefusal.loop) { try Self.prepare(Mail.envelope(to: "bob@b.example"), hops: 51) }
        #expect(CleanupRefusal.loop.reply.enhanced == .init(5, 4, 6))
        #expect(throws: CleanupRefusal.loop) {
            try Self.prepare(Mail.envelope(to: "list@a.example"), body: "Delivered-To: list@a.example\r\n\r\n",
                             aliases: ["list@a.example": ["bob@b.example"]])
        }
    }

    @Test func aliasesAreFollowedToTheEnd() throws {
        let submission = try Self.prepare(Mail.envelope(to: "all@a.example", "bob@b.example"), aliases: [
            "all@a.example": ["staff@a.example", "bob@b.example", "zoe@z.example"],
            "staff@a.example": ["ann@a.example", "all@a.example"],
        ])
        let recipients = submission.envelope.recipients
        #expect(recipients.map { "\($0.address) \($0.isExpanded) \($0.parent.map(String.init) ?? "-")" } == [
            "all@a.example true -", "bob@b.example false -", "zoe@z.example false 0", "ann@a.example false 0",
        ])
        #expect(recipients[2].originalRecipient == OriginalRecipient(addressType: "rfc822", address: "all@a.example"))
    }

    @Test func anAliasMayNameItself() throws {
        let submission = try Self.prepare(Mail.envelope(to: "a@a.example"), aliases: ["a@a.example": ["a@a.example", "b@a.example"]])
        #expect(submission.envelope.recipients.filter { !$0.isExpanded }.map(\.address.description) == ["a@a.example", "b@a.example"])
        let only = try Self.prepare(Mail.envelope(to: "a@a.example"), aliases: ["a@a.example": ["a@a.example"]])
        #expect(only.envelope.recipients.map(\.isExpanded) == [false])
    }

    @Test("Who is among his own targets keeps his copy, whichever way the mail came", arguments: [
        ["sales@a.example"], ["bob+tag@a.example"], ["bob@a.example"], ["all@a.example"], ["sales@a.example", "bob@a.example"],
        ["bob@a.example", "sales@a.example"],
    ])
    func aCopyForOneselfIsKept(recipients: [String]) throws {
        var envelope = Mail.envelope(to: recipients[0])
        envelope.recipients = recipients.map { Recipient(address: Mail.address($0)) }
        let submission = try Self.prepare(envelope, aliases: [
            "bob@a.example": ["bob@a.example", "alice@a.example"], "bob+tag@a.example": ["bob@a.example", "alice@a.example"],
            "sales@a.example": ["bob@a.example"], "all@a.example": ["sales@a.example"],
        ])
        let finals = submission.envelope.recipients.filter { !$0.isExpanded }.map(\.address.description)
        #expect(finals.sorted() == ["alice@a.example", "bob@a.example"])
    }

    @Test func aliasLoopsAndFloodsAreRefused() {
        #expect(throws: CleanupRefusal.aliasLoop) {
            try Self.prepare(Mail.envelope(to: "a@a.example"), aliases: ["a@a.example": ["b@a.example"], "b@a.example": ["c@a.example"], "c@a.example": ["b@a.example"]])
        }
        let chain = Dictionary(uniqueKeysWithValues: (0..<20).map { ("a\($0)@a.example", ["a\($0 + 1)@a.example"]) })
        #expect(throws: CleanupRefusal.aliasLoop) { try Self.prepare(Mail.envelope(to: "a0@a.example"), aliases: chain) }
        let many = (0..<200).map { "r\($0)@b.example" }
        #expect(throws: CleanupRefusal.tooManyRecipients) {
            try Self.prepare(Mail.envelope(to: "a@a.example"), aliases: ["a@a.example": many]) { $0.maxRecipients = 100 }
        }
    }

    // RFC 3461 §5.2.7
    @Test func forwardingKeepsWhatWasAskedForAndListsReportThemselves() throws {
        let one = try Self.prepare(Mail.envelope(to: "a@a.example", notify: [.success, .failure]), aliases: ["a@a.example": ["b@b.example"]])
        #expect(one.envelope.recipients[1].notify == [.success, .failure])
        let two = try Self.prepare(Mail.envelope(to: "a@a.example", notify: [.success, .failure]), aliases: ["a@a.example": ["b@b.example", "c@c.example"]])
        #expect(two.envelope.recipients[1].notify == .failure)
        let silent = try Self.prepare(Mail.envelope(to: "a@a.example", notify: .never), aliases: ["a@a.example": ["b@b.example", "c@c.example"]])
        #expect(silent.envelope.recipients[1].notify == .never)
    }

    // RFC 8689 §3
    @Test(arguments: [
        ("TLS-Required: No\r\nSubject: x\r\n\r\n", true), ("Subject: x\r\ntls-required:\r\n no \r\n\r\nhi\r\n", true),
        ("TLS-Required: Yes\r\n\r\n", false), ("TLS-Required: No No\r\n\r\n", false), ("TLS-Required:\r\n\r\n", false),
        ("TLS-Required: No\r\nTLS-Required: No\r\n\r\n", false), ("Subject: x\r\n\r\nTLS-Required: No\r\n", false),
        ("Subject: x\r\n TLS-Required: No\r\n\r\n", false), ("X-TLS-Required: No\r\n\r\n", false), ("T", false), ("", false),
    ])
    func fieldThatWaivesTLS(_ body: String, _ isWaived: Bool) throws {
        #expect(try Self.prepare(Mail.envelope(to: "bob@b.example"), body: body).message.envelope.content.contains(.tlsWaived) == isWaived)
        var envelope = Mail.envelope(to: "bob@b.example")
        envelope.requireTLS = true
        #expect(try !Self.prepare(envelope, body: body).message.envelope.content.contains(.tlsWaived))
    }
}

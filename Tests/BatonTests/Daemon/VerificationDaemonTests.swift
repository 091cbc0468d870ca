@testable import baton
import Cryptography
import Glibc
import MailAuth
import Testing

@Suite("Verification in the daemon") struct VerificationDaemonTests {
    static let key = Result { try Ed25519PrivateKey.generate() }

    /// The DNS of all senders and sealers here.
    static func zone() throws -> String {
        let record = KeyRecord.text(of: .ed25519(try key.get()))
        return """
            {"good.example": {"TXT": ["v=spf1 ip4:127.0.0.0/8 -all"]}, "_dmarc.good.example": {"TXT": ["v=DMARC1; p=reject"]},
             "bad.example": {"TXT": ["v=spf1 -all exp=why.bad.example"]}, "_dmarc.bad.example": {"TXT": ["v=DMARC1; p=reject"]},
             "why.bad.example": {"TXT": ["%{i} is not ours"]}, "_dmarc.wary.example": {"TXT": ["v=DMARC1; p=quarantine"]},
             "mx.test.example": {"TXT": ["v=spf1 -all"]}, "s._domainkey.sealer.example": {"TXT": ["\(record)"]}}
            """
    }

    /// Files that the configurations name.
    static func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write(zone(), to: "senders.json")
        try folder.write("secret", to: "srs.txt")
        chmod(try folder.write(String(decoding: key.get().pem, as: UTF8.self), to: "seal.pem"), 0o600)
        return folder
    }

    static func configuration(_ number: UInt8, next: UInt8, _ more: String) -> String {
        RunningDaemon.configuration(number, route: "type: smarthost, hosts: \"\(RunningDaemon.address(next)):2525\"", more)
            .replacing("sales: [bob]", with: "sales: [bob, \"carol@partner.example\"]")
            .replacing("zone: zone.json", with: "zone: senders.json")
    }

    /// The replies to RCPT and to the end of a message.
    static func send(_ running: RunningDaemon, from sender: String, to recipient: String, author: String) throws -> (String, String) {
        let dialog = try running.connect()
        _ = dialog.say("EHLO client.example")
        _ = dialog.say("MAIL FROM:<\(sender)>")
        let first = dialog.say("RCPT TO:<\(recipient)>")
        guard dialog.say("DATA").hasPrefix("354") else { return (first, "") }
        let forged = "Authentication-Results: mx.test.example; dmarc=pass header.from=bank.example\r\nX-Baton-Quarantine: no\r\n"
        return (first, dialog.say(forged + "From: \(author)\r\nTo: \(recipient)\r\nSubject: offer\r\n\r\nhello\r\n."))
    }

    @Test("What strangers send is verified, written down and refused by its owners' policies") func enforces() async throws {
        let text = VerificationDaemonTests.configuration(21, next: 22, "verification: {mode: enforce, spfFail: reject, quarantine: hold}")
        let running = try RunningDaemon(21, text, in: VerificationDaemonTests.folder())
        func send(from sender: String, author: String) throws -> (String, String) {
            try VerificationDaemonTests.send(running, from: sender, to: "alice@here.example", author: author)
        }
        #expect(try send(from: "joe@bad.example", author: "joe@bad.example").0
            == "550 5.7.23 SPF: 127.0.0.1 matches -all in the SPF record of bad.example; bad.example says: 127.0.0.1 is not ours\r\n")
        #expect(try send(from: "joe@good.example", author: "joe@bad.example").1.hasPrefix("550 5.7.26 Rejected by the DMARC policy of bad.example"))
        #expect(try send(from: "joe@good.example", author: "a@good.example, b@good.example").1.hasPrefix("550 5.6.0"))

        let held = try #require(send(from: "joe@good.example", author: "joe@wary.example").1.split(whereSeparator: \.isWhitespace).last)
        _ = try #require(running.log.line(with: String(held), "held"))
        let id = try #require(send(from: "joe@good.example", author: "joe@good.example").1.split(whereSeparator: \.isWhitespace).last)
        _ = try #require(running.log.line(with: String(id), "outcome=delivered"))
        let messages = try running.messages("here.example/alice")
        #expect(messages.count == 1, "the one that is held is not delivered")
        let message = (messages.first ?? "").replacing("\n ", with: " ")
        #expect(message.contains("\nAuthentication-Results: mx.test.example; iprev="))
        #expect(message.contains("spf=pass") && message.contains("; dmarc=pass (p=reject"))
        #expect(message.contains("\nReceived-SPF: pass (mx.test.example:"))
        #expect(!message.contains("bank.example") && !message.contains("X-Baton-Quarantine"))
        let trace = try running.control("trace\",\"limit\":10,\"subject\":\"\(id)")
        #expect(trace.contains("spf=pass mailfrom=joe@good.example") && trace.contains("dmarc=pass"), "\(trace)")
        await running.stop()
    }

    @Test("Forwarded mail is sealed, and the next host takes the sealer's word for what it cannot see") func seals() async throws {
        let last = try RunningDaemon(22, RunningDaemon.configuration(22, hostname: "mx.other.example", "verification: {mode: enforce, trustedSealers: [sealer.example]}")
            .replacing("here.example:", with: "partner.example:").replacing("[alice, bob]", with: "[alice, bob, carol]")
            .replacing("zone: zone.json", with: "zone: senders.json"), in: VerificationDaemonTests.folder())
        let first = try RunningDaemon(23, VerificationDaemonTests.configuration(23, next: 22, """
            verification: {mode: enforce}
            rules: [{recipients: [partner.example], route: away}]
            forwarding: {srsSecretFile: srs.txt, seal: {domain: sealer.example, selector: s, keyFile: seal.pem}}
            """), in: VerificationDaemonTests.folder())
        let reply = try VerificationDaemonTests.send(first, from: "joe@good.example", to: "sales@here.example", author: "joe@good.example").1
        let id = try #require(reply.split(whereSeparator: \.isWhitespace).last)
        _ = try #require(first.log.line(with: String(id), "recipient=carol@partner.example", "outcome=relayed"))
        _ = try #require(last.log.line(with: "recipient=carol@partner.example", "outcome=delivered"))
        let message = try #require(last.messages("partner.example/carol").first).replacing("\n ", with: " ")
        #expect(message.contains("Return-Path: <SRS0="))
        #expect(message.contains("; arc=pass") && message.contains("ARC-Seal: ") && message.contains("; d=sealer.example; i=1;"))
        #expect(message.contains("; dmarc=fail") && message.contains("sealer.example, a trusted sealer, saw it pass"))
        #expect(message.contains("ARC-Authentication-Results: i=1; mx.test.example; "))
        await first.stop()
        await last.stop()
    }
}

@testable import Events
import MessageFormat
import Ports
import SMTP

/// Values that several tests of this target share.
enum Samples {
    static func address(_ text: String) -> EmailAddress {
        guard let address = try? EmailAddress(parsing: text) else { preconditionFailure("not an address: \(text)") }
        return address
    }

    static let message = QueueID(rawValue: 0x0000_0100_0000_002a)
    static let time = Timestamp(nanoseconds: 1_795_287_555_042_000_000)

    /// One sender, one recipient, no extension.
    static let plain = Envelope(reversePath: .mailbox(address("alice@a.example")),
                                recipients: [Recipient(address: address("bob@b.example"))], arrival: time,
                                origin: Origin(clientAddress: .v4(0xc000_0201), helo: "client.example", transmission: "ESMTP"),
                                size: 1024)

    /// Everything that an envelope can say.
    static let full = Envelope(
        reversePath: .mailbox(address("\"a b\"@a.example")),
        recipients: [
            Recipient(address: address("list@b.example"), isExpanded: true),
            Recipient(address: address("bob@[192.0.2.7]"),
                      originalRecipient: OriginalRecipient(addressType: "rfc822", address: "Bob@old.example"),
                      notify: [.success, .delay], parent: 0),
            Recipient(address: address("jörg@b.example"), notify: .never, parent: 0),
        ],
        arrival: time, body: .eightBitMIME, smtpUTF8: true, requireTLS: true, returnContent: .headers, envelopeID: "id=1 ü",
        origin: Origin(clientAddress: .v6(high: 0x2001_0db8_0000_0000, low: 1), clientName: "client.example", helo: "[x]",
                       transmission: "ESMTPSA", listener: "submission", account: "alice", userID: 1000, tls: "TLSv1.3",
                       reportOn: QueueID(rawValue: 7)),
        content: [.eightBitBody, .longLines], size: 1 << 33, notBefore: time + .hours(1), expiresAt: time + .days(1), priority: -4)

    static let diagnosis = Diagnosis(status: .init(4, 2, 2),
                                     reply: Reply(code: 452, enhanced: .init(4, 2, 2), lines: ["mailbox full", "really"]),
                                     explanation: "after RCPT", bounceClass: .mailboxFull)

    static let host = RemoteHost(name: "mx.b.example", endpoint: .ip(.v4(0xc000_0207), port: 25), tls: "TLSv1.3")

    static let details: [MailEvent.Detail] = [
        .accepted(full),
        .attempted(AttemptResult(number: 3, host: host, duration: .milliseconds(12), results: [
            RecipientResult(recipient: 0, outcome: .delivered(nil)),
            RecipientResult(recipient: 1, outcome: .relayed(Reply(250, .init(2, 0, 0), "ok"), reportedBy: .nextHop)),
            RecipientResult(recipient: 2, outcome: .deferred(until: time + .minutes(5), diagnosis)),
            RecipientResult(recipient: 3, outcome: .bounced(diagnosis)),
            RecipientResult(recipient: 65535, outcome: .expired(Diagnosis(status: .init(4, 4, 7)))),
        ], noticesGiven: 2)),
        .attempted(AttemptResult(number: 1, host: RemoteHost(name: "lmtp", endpoint: .unix(path: "/run/lmtp")), duration: .zero,
                                 results: [])),
        .held(.crashLoop), .released, .retryRequested, .removed(recipients: [0, 7, 300]),
        .reported(ReportEvent(report: QueueID(rawValue: 9), action: .delayed, recipients: [1], noticesGiven: 1)),
        .bounceDropped(recipients: [0]), .crashed(count: 2),
    ]
}

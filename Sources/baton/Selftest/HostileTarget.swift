import Glibc

/// The server that is probed.
struct HostileTarget {
    let host: String
    let port: UInt16
    /// A recipient that the server takes mail for.
    let recipient: String
    /// Where this host may relay: what a stranger must not do proves nothing then.
    var mayRelay: String?
    /// An address of this host to connect from.
    var source: String?
    /// An address to pretend to come from, where the server believes this host that (XCLIENT, PROXY).
    var pretended: Pretence?

    /// How a trusted client says that it speaks for another.
    enum Pretence: Equatable {
        case xclient(String)
        case proxy(String)
    }

    /// How long silence means that nothing more comes.
    var silenceMilliseconds: Int32 = 400
    /// Between octets that are sent with pauses.
    var pauseMilliseconds: UInt32 = 300

    /// A connection that has been greeted; nil when there is none to be had.
    func connect() -> HostileClient? {
        // A server that limits connections a minute is to be waited for, not found wanting.
        for _ in 0..<HostileTarget.maxTries {
            guard let client = HostileClient(host: host, port: port, source: source) else { return nil }
            if case .proxy(let address)? = pretended {
                client.send("PROXY TCP\(address.contains(":") ? "6 \(address) ::1" : "4 \(address) 127.0.0.1") 54321 25\r\n")
            }
            let greeting = client.answer()
            if greeting.code == 220 { return pretend(client) }
            guard greeting.code == 421 else { return nil }
            usleep(5_000_000)
        }
        return nil
    }

    private static let maxTries = 15

    private func pretend(_ client: HostileClient) -> HostileClient? {
        guard case .xclient(let address)? = pretended else { return client }
        guard client.say("EHLO selftest.invalid").code == 250 else { return nil }
        return client.say("XCLIENT ADDR=\(address.contains(":") ? "IPV6:" : "")\(address) NAME=[UNAVAILABLE]").code == 220 ? client : nil
    }

    /// Why there is nothing to probe.
    var refusal: String {
        switch pretended {
        case .xclient: "no SMTP server answers, or it takes no XCLIENT from this host"
        case .proxy: "no SMTP server answers, or it takes no PROXY header from this host"
        case nil: source == nil ? "no SMTP server answers" : "no SMTP server answers, or the source is no address of this host"
        }
    }

    /// A connection that has said EHLO, and what was offered to it.
    func hello() -> (client: HostileClient, offer: [String])? {
        guard let client = connect() else { return nil }
        guard case .reply(250, let text) = client.say("EHLO selftest.invalid") else { return nil }
        return (client, text.split(separator: "\n").map { $0.uppercased() })
    }

    /// A connection with a sender and a recipient.
    func transaction() -> HostileClient? {
        guard let client = hello()?.client, client.say("MAIL FROM:<>").code == 250, client.say("RCPT TO:<\(recipient)>").code == 250 else {
            return nil
        }
        return client
    }
}

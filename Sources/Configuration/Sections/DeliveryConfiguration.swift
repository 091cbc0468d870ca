import Ports

/// How connections to other servers are made and used.
public struct DeliveryConfiguration: Hashable, Sendable {
    /// What becomes of 8-bit content at a server without 8BITMIME.
    public enum EightBitPolicy: String, Hashable, Sendable, CaseIterable {
        /// It goes out as it was received.
        case send
        /// It bounces with 5.6.3.
        case bounce
    }

    /// Which addresses of a host are tried, and which first.
    public enum AddressPreference: String, Hashable, Sendable, CaseIterable {
        /// Both families in turn, IPv4 first.
        case ipv4First
        /// Both families in turn, IPv6 first.
        case ipv6First
        /// IPv4 alone.
        case ipv4Only
        /// IPv6 alone.
        case ipv6Only
    }

    /// The waits of a connection.
    public struct Timeouts: Hashable, Sendable {
        /// For a connection to one address.
        public var connect = Duration.seconds(30)
        /// For the greeting.
        public var greeting = Duration.minutes(5)
        /// For the reply to EHLO, HELO or LHLO.
        public var ehlo = Duration.minutes(5)
        /// For the reply to MAIL.
        public var mail = Duration.minutes(5)
        /// For the reply to RCPT.
        public var rcpt = Duration.minutes(5)
        /// For the reply to DATA.
        public var data = Duration.minutes(2)
        /// For one block of the message to be taken.
        public var block = Duration.minutes(3)
        /// For the reply to the final dot.
        public var finalDot = Duration.minutes(10)
        /// For the reply to RSET.
        public var rset = Duration.seconds(20)
        /// For the reply to QUIT.
        public var quit = Duration.seconds(10)

        /// The documented defaults.
        public init() {}

        static var keys: [Key<Timeouts>] {
            let wait = ValueType<Duration>.duration(.seconds(1) ... .hours(1))
            return [
                .value("connect", \.connect, wait, "For a connection to one address."),
                .value("greeting", \.greeting, wait, "For the greeting.", reference: "RFC 5321 §4.5.3.2.1"),
                .value("ehlo", \.ehlo, wait, "For the reply to EHLO, HELO or LHLO."),
                .value("mail", \.mail, wait, "For the reply to MAIL.", reference: "RFC 5321 §4.5.3.2.2"),
                .value("rcpt", \.rcpt, wait, "For the reply to RCPT.", reference: "RFC 5321 §4.5.3.2.3"),
                .value("data", \.data, wait, "For the reply to DATA.", reference: "RFC 5321 §4.5.3.2.4"),
                .value("block", \.block, wait, "For one block of the message to be taken.", reference: "RFC 5321 §4.5.3.2.5"),
                .value("finalDot", \.finalDot, wait, "For the reply to the final dot. A shorter wait makes duplicates.",
                       reference: "RFC 5321 §4.5.3.2.6"),
                .value("rset", \.rset, wait, "For the reply to RSET."),
                .value("quit", \.quit, wait, "For the reply to QUIT."),
            ]
        }
    }

    /// Deliveries in progress at a site that takes everything.
    public var maxConnectionsPerSite = 20
    /// Deliveries in progress at a site that nothing is known of.
    public var initialConnectionsPerSite = 5
    /// Recipients of one transaction.
    public var maxRecipientsPerTransaction = 100
    /// Messages over one connection.
    public var maxMessagesPerConnection = 100
    /// How long an idle connection is kept for the next message.
    public var keepAlive = Duration.seconds(30)
    /// How long a connection is used at all.
    public var maxConnectionAge = Duration.minutes(10)
    /// Idle connections that are kept in all.
    public var maxIdleConnections = 1000
    /// Addresses of a destination that are tried in one attempt.
    public var maxAddressesTried = 5
    /// Sessions that are begun in one attempt.
    public var maxSessionsTried = 2
    /// Threads that write into mailboxes.
    public var mailboxThreads = 4
    /// The port of mail exchanges.
    public var mxPort = 25
    /// The addresses that connections come from.
    public var sourceAddresses: [IPAddress] = []
    /// Which addresses of a host are tried, and which first.
    public var addressPreference = AddressPreference.ipv4First
    /// What becomes of 8-bit content at a server without 8BITMIME.
    public var eightBit = EightBitPolicy.send
    /// How connections for some destinations are protected, whatever these publish.
    public var tls: [DestinationTLS] = []
    /// Whether TLSA records of destinations are looked for.
    public var dane = true
    /// How the MTA-STS policies of destinations are found.
    public var mtaSTS = MTASTSConfiguration()
    /// The waits of a connection.
    public var timeouts = Timeouts()

    /// The documented defaults.
    public init() {}

    static var keys: [Key<DeliveryConfiguration>] { [
        .value("maxConnectionsPerSite", \.maxConnectionsPerSite, .count(1...10_000),
               "Connections to one site (hosts that share an MX set) at once; fewer while the site defers or fails."),
        .value("initialConnectionsPerSite", \.initialConnectionsPerSite, .count(1...10_000),
               "Connections to a site that nothing is known of yet."),
        .value("maxRecipientsPerTransaction", \.maxRecipientsPerTransaction, .count(1...10_000),
               "Recipients of one transaction; the server may ask for fewer.", reference: "RFC 5321 §4.5.3.1.8, RFC 9422"),
        .value("maxMessagesPerConnection", \.maxMessagesPerConnection, .count(1...1_000_000), "Messages over one connection."),
        .value("keepAlive", \.keepAlive, .duration(.zero ... .minutes(5)), "How long an idle connection is kept for the next message."),
        .value("maxConnectionAge", \.maxConnectionAge, .duration(.seconds(1) ... .hours(24)), "How long a connection is used at all."),
        .value("maxIdleConnections", \.maxIdleConnections, .count(0...100_000), "Idle connections that are kept in all."),
        .value("maxAddressesTried", \.maxAddressesTried, .count(1...50), "Addresses of a destination that are tried in one attempt.",
               reference: "RFC 5321 §5.1"),
        .value("maxSessionsTried", \.maxSessionsTried, .count(1...50),
               "Servers of a destination that are spoken to in one attempt: after a server that defers, the next one is asked."),
        .value("mailboxThreads", \.mailboxThreads, .count(1...64),
               "Threads that write into Maildirs and the sandbox, and copies of one message that are written at a time.", effect: .restart),
        .value("mxPort", \.mxPort, .count(1...65535), "The port of mail exchanges; anything but 25 is for tests."),
        .value("sourceAddresses", \.sourceAddresses, .list(of: .address, count: 0...2),
               "The IPv4 and the IPv6 address that connections come from; the system's choice for a family that is not there."),
        .value("addressPreference", \.addressPreference, .choice,
               "Which addresses of a host are tried: both families in turn, or one alone where the other has no way out."),
        .value("eightBit", \.eightBit, .choice,
               "What becomes of 8-bit mail at a server without 8BITMIME: `send` it as it is, or `bounce` it with 5.6.3.", reference: "RFC 6152 §3"),
        .value("tls", \.tls, .list(of: DestinationTLS.type),
               "How connections for some destinations are protected, whatever these publish; every other destination is `auto`.", example: """
               # - destinations: [partner.example, "*.partner.example"]
               #   level: verify
               """),
        .value("dane", \.dane, .flag,
               "Whether TLSA records of destinations are looked for; needs `dns.trustAnchor`.", reference: "RFC 7672"),
        .section("mtaSTS", \.mtaSTS, MTASTSConfiguration.keys, default: MTASTSConfiguration(),
                 "How the MTA-STS policies of destinations are found."),
        .section("timeouts", \.timeouts, Timeouts.keys, default: Timeouts(), "How long other servers may take."),
    ] }
}

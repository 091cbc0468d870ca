import Ports

/// What clients may ask of the server.
public struct LimitsConfiguration: Hashable, Sendable {
    /// The largest message, in octets.
    public var maxMessageSize = 50 << 20
    /// Octets of a header section.
    public var maxHeaderSize = 256 << 10
    /// Fields of a header section.
    public var maxHeaderFields = 1000
    /// Octets of a line of the body.
    public var maxBodyLine = 1 << 20
    /// Octets of a command line.
    public var maxCommandLine = 2048
    /// Recipients of one message.
    public var maxRecipients = 1000
    /// Messages over one connection.
    public var maxMessagesPerConnection = 100
    /// Received fields after which a message goes in circles.
    public var maxHops = 50
    /// Errors after which each further one is answered late.
    public var softErrors = 10
    /// Errors after which the connection is closed.
    public var hardErrors = 20
    /// How late an error past the soft limit is answered.
    public var errorDelay = Duration.seconds(1)
    /// Commands without effect after which the connection is closed.
    public var maxJunkCommands = 100
    /// Threads that carry the connections of clients, beside the one of the queue and deliveries; 0: that one carries all.
    public var sessionLoops = 1
    /// Connections open at once.
    public var maxConnections = 10_000
    /// Connections that one client may have open.
    public var maxConnectionsPerClient = 20
    /// Connections that one client may open in a minute.
    public var maxConnectionsPerClientAndMinute = 60
    /// How long a client may be silent.
    public var idleTimeout = Duration.minutes(5)
    /// How long a client may be silent while connections are short.
    public var stressIdleTimeout = Duration.seconds(10)
    /// Octets of message data that must come in a second.
    public var minDataRate = 500
    /// Octets of one unfinished large message in the log.
    public var maxUncommitted = 256 << 20
    /// Octets of all unfinished large messages in the log.
    public var maxUncommittedTotal = 4 << 30

    static var messageSize: ValueType<Int> { .size(64 << 10 ... 2 << 30) }
    static var recipients: ValueType<Int> { .count(100...100_000) }
    static var connections: ValueType<Int> { .count(1...1_000_000) }

    /// The documented defaults.
    public init() {}

    static var keys: [Key<LimitsConfiguration>] { [
        .value("maxMessageSize", \.maxMessageSize, messageSize,
               "The largest message; announced with SIZE, larger ones are refused with 552 5.3.4.", reference: "RFC 1870; RFC 5321 §4.5.3.1.7 asks for 64KiB at least"),
        .value("maxHeaderSize", \.maxHeaderSize, .size(16 << 10 ... 16 << 20), "The largest header section."),
        .value("maxHeaderFields", \.maxHeaderFields, .count(100...100_000), "The most fields of a header section."),
        .value("maxBodyLine", \.maxBodyLine, .size(1000 ... 64 << 20),
               "The longest line of a body. Lines over 998 octets are passed on as they are and flagged in the log.", reference: "RFC 5322 §2.1.1"),
        .value("maxCommandLine", \.maxCommandLine, .size(512 ... 64 << 10), "The longest command line.",
               reference: "RFC 5321 §4.5.3.1.4 asks for 512B at least"),
        .value("maxRecipients", \.maxRecipients, recipients,
               "Recipients of one message; further ones are answered 452 4.5.3.", reference: "RFC 5321 §4.5.3.1.8 asks for 100 at least"),
        .value("maxMessagesPerConnection", \.maxMessagesPerConnection, .count(1...1_000_000),
               "Messages over one connection; past it the client gets 421 between messages. Relay networks have no such limit."),
        .value("maxHops", \.maxHops, .count(10...1000),
               "Received fields after which a message is taken to go in circles and refused with 554 5.4.6.", reference: "RFC 5321 §6.3"),
        .value("softErrors", \.softErrors, .count(1...10_000), "Errors of a client after which each further one is answered late."),
        .value("hardErrors", \.hardErrors, .count(1...10_000), "Errors of a client after which it gets 421 and is disconnected."),
        .value("errorDelay", \.errorDelay, .duration(.zero ... .minutes(1)), "How late an error past `softErrors` is answered."),
        .value("maxJunkCommands", \.maxJunkCommands, .count(1...100_000),
               "Commands without effect (NOOP, RSET, VRFY, repeated HELO) between two messages before the client is disconnected."),
        .value("sessionLoops", \.sessionLoops, .count(0...256),
               "Threads that carry the connections of clients, beside the thread of the queue and the deliveries; with 0 that one carries all.", effect: .restart),
        .value("maxConnections", \.maxConnections, connections,
               "Connections open at once over all listeners; further ones wait in the system's backlog, or get 421.", effect: .restart),
        .value("maxConnectionsPerClient", \.maxConnectionsPerClient, connections,
               "Connections that one client address may have open; further ones get 421. Relay networks have no such limit."),
        .value("maxConnectionsPerClientAndMinute", \.maxConnectionsPerClientAndMinute, .count(1...1_000_000),
               "Connections that one client address may open in a minute. Relay networks have no such limit."),
        .value("idleTimeout", \.idleTimeout, .duration(.seconds(1) ... .hours(24)),
               "How long a client may be silent before it gets 421.", reference: "RFC 5321 §4.5.3.2.7 asks for 5m at least"),
        .value("stressIdleTimeout", \.stressIdleTimeout, .duration(.seconds(1) ... .hours(24)),
               "The same while nine tenths of `maxConnections` are in use."),
        .value("minDataRate", \.minDataRate, .size(0 ... 1 << 20),
               "Octets of message data that must come in a second on average; 0 for no such limit."),
        .value("maxUncommitted", \.maxUncommitted, .size(1 << 20 ... 1 << 40),
               "Octets of one large message that may be on disk before its end has come."),
        .value("maxUncommittedTotal", \.maxUncommittedTotal, .size(1 << 20 ... 1 << 44),
               "The same over all connections; past it, large messages get 452 4.3.1."),
    ] }
}

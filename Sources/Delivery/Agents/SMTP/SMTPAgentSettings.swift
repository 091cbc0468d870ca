import Ports
import SMTP

/// How Baton delivers by SMTP and LMTP.
public struct SMTPAgentSettings: Sendable {
    /// The name of this host in EHLO, HELO and LHLO.
    public var heloName: String
    /// Timeouts and limits of a session.
    public var session = ClientSettings()
    /// The wait for a TCP connection.
    public var connectTimeout: Duration = .seconds(30)
    /// Addresses that one attempt tries to connect to.
    public var maxAddresses = 5
    /// Connections that one attempt makes before it gives up: one that broke or was refused, and another.
    public var maxSessions = 2
    /// The families of addresses, and which comes first.
    public var addressPreference = AddressPreference.ipv4First
    /// Where IPv4 connections come from; nil leaves it to the system.
    public var sourceIPv4: IPAddress?
    /// Where IPv6 connections come from; nil leaves it to the system.
    public var sourceIPv6: IPAddress?
    /// How long a connection without work is kept: long enough for the next message of a lively site,
    /// well below the 5 minutes that servers wait.
    public var idleTimeout: Duration = .seconds(30)
    /// How long a connection is used at all.
    public var maxConnectionAge: Duration = .minutes(10)
    /// Messages that go over one connection; many servers close theirs at 100 or above.
    public var maxMessagesPerConnection = 100
    /// Connections without work that are kept in all.
    public var maxIdleConnections = 1000
    /// How long after a failed handshake an opportunistic connection to the same address is made in the clear at once.
    public var brokenTLSMemory: Duration = .hours(1)
    /// How long a host that could not be used is tried after the others of its next hop.
    public var hostAvoidance: Duration = .minutes(1)

    /// The documented defaults for a host of this name.
    public init(heloName: String) { self.heloName = heloName }
}

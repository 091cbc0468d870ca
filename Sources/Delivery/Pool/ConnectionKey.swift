import Ports
import SMTP

/// What makes two connections interchangeable: the same host in the same language, from the same source.
struct ConnectionKey: Hashable, Sendable {
    let dialect: Dialect
    let location: HopHost.Location
    let port: UInt16
    let sourceIPv4: IPAddress?
    let sourceIPv6: IPAddress?
    /// A connection that was made under one policy does for no other.
    let tls: TLSPolicy
    let tlsStart: TLSStart
    /// A session that was opened as one account does for no other.
    let authentication: ClientAuthentication?

    init(_ host: HopHost, dialect: Dialect, settings: SMTPAgentSettings) {
        self.dialect = dialect
        location = host.location
        port = host.port
        sourceIPv4 = settings.sourceIPv4
        sourceIPv6 = settings.sourceIPv6
        tls = host.tls
        tlsStart = host.tlsStart
        authentication = host.authentication
    }

    /// Host and port alone tell nearly all keys apart, and this is asked for with each message.
    func hash(into hasher: inout Hasher) {
        hasher.combine(location)
        hasher.combine(port)
    }
}

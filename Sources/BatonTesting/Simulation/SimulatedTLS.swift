import Ports

/// The certificates of a simulated listener: names in place of keys.
public final class SimulatedTLSServer: TLSServerContext {
    /// What it presents; any octets will do.
    public let certificates: [[UInt8]]
    /// The names that its certificate is for.
    public let names: [String]

    /// A server that presents `certificates` for `names`.
    public init(names: [String], certificates: [[UInt8]] = [[0x30, 0x00]]) {
        self.names = names
        self.certificates = certificates
    }
}

/// What becomes of the handshakes of one connection.
enum SimulatedHandshakeFate {
    case works
    /// The peer's first word is an alert.
    case fails
    /// Nothing is heard of the peer any more.
    case hangs
}

/// One end's handshake; the octets of TLS are not simulated, only who says what when.
struct SimulatedHandshake {
    /// The first word of each side.
    enum Hello {
        case client(serverName: String?)
        case server(SimulatedTLSServer)
        case alert
    }

    let role: TLSRole
    /// What this end says first; nil for a server, which listens first.
    let opening: Hello?
    let timer: LoopTimer

    init(_ role: TLSRole, timer: LoopTimer) {
        self.role = role
        self.timer = timer
        opening = if case .client(let settings) = role { .client(serverName: settings.serverName) } else { nil }
    }

    /// What this end makes of the peer's hello, and what it answers.
    func result(of hello: Hello) -> (Result<TLSSummary, TLSFailure>, answer: Hello?) {
        switch (role, hello) {
        case (_, .alert): (.failure(.handshake("alert")), nil)
        case (.server(let context), .client(let serverName)):
            if let server = context as? SimulatedTLSServer {
                (.success(TLSSummary(version: .v1_3, serverName: serverName)), .server(server))
            } else {
                (.failure(.unavailable("not a simulated certificate")), .alert)
            }
        case (.client(let settings), .server(let server)): (SimulatedHandshake.verify(server, settings), nil)
        case (.server, .server), (.client, .client): (.failure(.handshake("both ends take the same side")), nil)
        }
    }

    private static func verify(_ server: SimulatedTLSServer, _ settings: TLSClientSettings) -> Result<TLSSummary, TLSFailure> {
        var summary = TLSSummary(version: .v1_3, serverName: settings.serverName, peerCertificates: server.certificates,
                                 peerNames: server.names)
        switch settings.verification {
        case .none: break
        case .names(let names):
            guard names.contains(where: { server.names.contains($0) }) else { return .failure(.wrongName(presented: server.names)) }
            summary.isVerified = true
        case .chain(let judge):
            if case .refused(let failure) = judge(server.certificates) { return .failure(failure) }
            summary.isVerified = true
        }
        return .success(summary)
    }
}

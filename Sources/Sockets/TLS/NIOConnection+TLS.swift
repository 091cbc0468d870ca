import NIOCore
import NIOSSL
import NIOTLS
import Ports

/// How far the TLS of a connection has come.
struct ConnectionTLS {
    let role: TLSRole
    /// The engine; nil until a server has seen the client's hello.
    var engine: NIOSSLHandler?
    /// The name that the client asked for.
    var serverName: String?
    /// What the verification of the peer found.
    let record = ChainRecord()
    var timer: LoopTimer?
    /// The handshake is over and went well.
    var isEstablished = false
    /// The handshake is over and failed.
    var hasFailed = false

    var isHandshaking: Bool { !isEstablished && !hasFailed }
}

extension NIOConnection {
    func startTLS(_ role: TLSRole, timeout: Duration, received: [UInt8]) {
        guard state == .open, tls == nil, let context else { return }
        calls += 1
        defer { calls -= 1 }
        flush()
        held = []
        tls = ConnectionTLS(role: role)
        let connection = LoopConfined(self, to: nioLoop)
        tls?.timer = nioLoop.schedule(at: nioLoop.now + timeout) { connection.value.failTLS(.timedOut) }
        if peerEnded { return failTLS(.closed) }
        do throws(TLSSetupError) {
            switch role {
            case .server(let server): try beginServer(server, context)
            case .client(let settings): try beginClient(settings, context)
            }
        } catch {
            return failTLS(.unavailable(error.description))
        }
        if !received.isEmpty {
            context.pipeline.fireChannelRead(ByteBuffer(bytes: received))
            context.pipeline.fireChannelReadComplete()
        }
        resumeAutoRead()
    }

    private func beginServer(_ server: any TLSServerContext, _ context: ChannelHandlerContext) throws(TLSSetupError) {
        guard let server = server as? NIOTLSServer else { throw TLSSetupError("the certificates are not of this network") }
        let handler = ClientHelloHandler(server) { [weak self] engine, name in
            self?.tls?.engine = engine
            self?.tls?.serverName = name
        }
        do { try context.pipeline.syncOperations.addHandler(handler, position: .first) } catch {
            throw TLSSetupError("the channel is closing")
        }
    }

    private func beginClient(_ settings: TLSClientSettings, _ context: ChannelHandlerContext) throws(TLSSetupError) {
        guard let client else { throw TLSSetupError("outgoing TLS is not set up") }
        let verifies = if case .names = settings.verification { true } else { false }
        let tlsContext = try client.context(verifies: verifies, certificate: settings.certificate)
        let engine: NIOSSLClientHandler
        do {
            if verifies {
                engine = try NIOSSLClientHandler(context: tlsContext, serverHostname: settings.serverName)
            } else {
                engine = try NIOSSLClientHandler(context: tlsContext, serverHostname: settings.serverName,
                                                 customVerificationCallback: judge(settings.verification))
            }
        } catch {
            throw TLSSetupError("the server's name cannot be asked for")
        }
        tls?.engine = engine
        tls?.serverName = settings.serverName
        do { try context.pipeline.syncOperations.addHandler(engine, position: .first) } catch {
            throw TLSSetupError("the channel is closing")
        }
    }

    /// The check that replaces the library's own.
    private func judge(_ verification: TLSVerification) -> NIOSSLCustomVerificationCallback {
        guard let record = tls?.record else { return { _, promise in promise.succeed(.failed) } }
        return { certificates, promise in
            record.certificates = certificates
            guard case .chain(let judge) = verification else { return promise.succeed(.certificateVerified) }
            switch judge(certificates.compactMap { try? $0.toDERBytes() }) {
            case .accepted: promise.succeed(.certificateVerified)
            case .refused(let failure):
                record.failure = failure
                promise.succeed(.failed)
            }
        }
    }

    // MARK: How it ends

    /// The engine says that the handshake is complete.
    func handshakeCompleted(_ applicationProtocol: String?) {
        guard let tls, tls.isHandshaking, let engine = tls.engine, let version = engine.tlsVersion else { return }
        var summary = TLSSummary(version: Ports.TLSVersion(version), serverName: tls.serverName, applicationProtocol: applicationProtocol)
        let certificates = tls.record.certificates.isEmpty ? [engine.peerCertificate].compactMap { $0 } : tls.record.certificates
        summary.peerCertificates = certificates.compactMap { try? $0.toDERBytes() }
        if let leaf = certificates.first {
            let names = CertificateName.all(in: leaf)
            if case .client(let settings) = tls.role, case .names(let wanted) = settings.verification,
               !wanted.contains(where: { name in names.contains { $0.matches(name) } }) {
                return failTLS(.wrongName(presented: names.prefix(NIOConnection.namesTold).map(\.description)))
            }
            summary.peerNames = names.prefix(NIOConnection.namesTold).map(\.description)
            summary.peerExpiry = Timestamp(seconds: Int64(leaf.notValidAfter))
        }
        summary.isVerified = tls.verifiesPeer && !certificates.isEmpty
        self.tls?.isEstablished = true
        self.tls?.timer?.cancel()
        self.tls?.timer = nil
        tell { [summary] in $0.handler?.tlsEstablished(summary) }
    }

    /// Names of a certificate that are told.
    private static let namesTold = 5

    /// Ends a handshake that failed, and the connection.
    func failTLS(_ failure: TLSFailure) {
        guard let tls, tls.isHandshaking else { return }
        self.tls?.hasFailed = true
        tls.timer?.cancel()
        self.tls?.timer = nil
        guard state == .open else { return }
        tell { connection in
            if connection.state == .open { connection.handler?.tlsFailed(failure) }
            connection.abort()
        }
    }

    /// Takes an error of the engine; false when it is none.
    func takeTLSError(_ error: any Error) -> Bool {
        guard let tls else { return false }
        if tls.isHandshaking {
            failTLS((error as? TLSFailure) ?? failure(error, tls))
            return true
        }
        if tls.hasFailed { return true }
        // The peer went without saying goodbye. What came in whole is whole: the end of the stream says the rest.
        return (error as? NIOSSLError) == .uncleanShutdown
    }

    private func failure(_ error: any Error, _ tls: ConnectionTLS) -> TLSFailure {
        if let failure = tls.record.failure { return failure }
        guard case NIOSSLError.handshakeFailed(let reason) = error else { return error is IOError ? .closed : .handshake("protocol error") }
        switch reason {
        case .sslError(let errors):
            if errors.contains(.eofDuringHandshake) { return .closed }
            let words = errors.first.map(NIOConnection.words) ?? "protocol error"
            guard words.contains("CERTIFICATE_VERIFY_FAILED") else { return .handshake(words) }
            if let leaf = tls.engine?.peerCertificate, Timestamp(seconds: Int64(leaf.notValidAfter)) < nioLoop.now { return .expired }
            return .notTrusted("no path to a trusted root")
        default: return .closed
        }
    }

    /// `error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER at …` in short.
    private static func words(_ error: BoringSSLInternalError) -> String {
        let parts = error.description.split(separator: ":")
        guard let origin = parts.firstIndex(of: "OPENSSL_internal"), origin + 1 < parts.count,
              let name = parts[origin + 1].split(separator: " ").first else { return "protocol error" }
        return String(name)
    }
}

extension ConnectionTLS {
    /// Whether the role asks for a check of the peer.
    fileprivate var verifiesPeer: Bool {
        switch role {
        case .server: true
        case .client(let settings): if case .none = settings.verification { false } else { true }
        }
    }
}

extension Ports.TLSVersion {
    fileprivate init(_ version: NIOSSL.TLSVersion) {
        self = switch version {
        case .tlsv1: .v1_0
        case .tlsv11: .v1_1
        case .tlsv12: .v1_2
        case .tlsv13: .v1_3
        }
    }
}

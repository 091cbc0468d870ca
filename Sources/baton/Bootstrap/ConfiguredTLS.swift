import Certificates
import Configuration
import Ports
import Receiving
import Sockets

/// What the network and the listeners are told about TLS, out of the one configuration.
extension BatonConfiguration {
    /// How `listener` speaks TLS with `certificates`; `roots` are the authorities of clients.
    func tlsSettings(of listener: ListenerConfiguration, certificates: [TLSCertificate], roots: [UInt8]) -> TLSServerSettings {
        var settings = TLSServerSettings(certificates: certificates)
        settings.minimumVersion = switch tls.minimumVersion {
        case .tls12: .v1_2
        case .tls13: .v1_3
        }
        settings.clientCertificates = switch listener.clientCertificates {
        case .none: .ignored
        case .requested: .requested(roots: roots)
        case .required: .required(roots: roots)
        }
        return settings
    }

    /// When `listener` speaks TLS by `context`; nil when it does not.
    func listenerTLS(of listener: ListenerConfiguration, _ context: any TLSServerContext) -> ListenerTLS? {
        guard listener.tls != .none else { return nil }
        return ListenerTLS(context, start: listener.tls == .implicit ? .implicit : .startTLS, isRequired: listener.tls == .required,
                           handshakeTimeout: tls.handshakeTimeout)
    }

    /// What outgoing TLS may use.
    func clientOptions() throws -> TLSClientOptions {
        var options = TLSClientOptions()
        guard !tls.trustedCertificates.isEmpty else { return options }
        var roots: [UInt8] = []
        for path in tls.trustedCertificates {
            guard let file = CertificateFolder.read(path) else { throw TLSSetupError("'\(path)' cannot be read") }
            roots += file + [UInt8(ascii: "\n")]
        }
        options.roots = roots
        return options
    }
}

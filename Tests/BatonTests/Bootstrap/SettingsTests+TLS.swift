@testable import baton
import Configuration
import Delivery
import MessageFormat
import Ports
import Receiving
import Sockets

/// A context of no network.
private final class NoContext: TLSServerContext {}

/// Keys of how connections are protected.
extension SettingsTests {
    private static func server(_ configuration: BatonConfiguration) -> TLSServerSettings {
        configuration.tlsSettings(of: configuration.listeners[0], certificates: [], roots: [1])
    }

    private static func listener(_ configuration: BatonConfiguration) -> ListenerTLS? {
        configuration.listenerTLS(of: configuration.listeners[0], NoContext())
    }

    private static func hop(_ configuration: BatonConfiguration) throws -> HopHost? {
        guard case .smartHost(let hosts) = try transport("alice@example.org", configuration) else { return nil }
        return hosts.first
    }

    static let tls: [Effect] = [
        Effect("listeners[].tls", { try configuration(listener: "tls: implicit") }) { listener($0)?.start == .implicit },
        Effect("listeners[].clientCertificates", {
            try configuration(listener: "clientCertificates: required", "tls: {clientAuthorities: /a.txt}")
        }) { server($0).clientCertificates == .required(roots: [1]) },
        Effect("tls.certificates[].chain", { try configuration("tls: {certificates: [{chain: /a.txt, key: /b.txt}]}") }) {
            $0.tls.certificates.map(\.chain) == ["/a.txt"]
        },
        Effect("tls.certificates[].key", { try configuration("tls: {certificates: [{chain: /a.txt, key: /b.txt}]}") }) {
            $0.tls.certificates.map(\.key) == ["/b.txt"]
        },
        Effect("tls.minimumVersion", "\"1.3\"") { server($0).minimumVersion == .v1_3 },
        Effect("tls.handshakeTimeout", "10s") { listener($0)?.handshakeTimeout == .seconds(10) },
        Effect("tls.clientAuthorities", "/a.txt") { $0.tls.clientAuthorities == "/a.txt" },
        Effect("tls.trustedCertificates", "[/a.txt]") { (try? $0.clientOptions()) == nil },
        Effect("routes.NAME.tls", { try configuration(routes: "r: {type: smarthost, hosts: smart.example, tls: verify}") }) {
            try hop($0)?.tls == .verify(names: ["smart.example"])
        },
        Effect("routes.NAME.implicitTLS", { try configuration(routes: "r: {type: smarthost, hosts: smart.example, implicitTLS: true}") }) {
            try hop($0)?.tlsStart == .implicit
        },
    ]
}

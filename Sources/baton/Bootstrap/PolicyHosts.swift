import DNS
import MailAuth
import Ports
import Sockets
import Synchronization

/// Gets MTA-STS policies over the network: the production form of `HTTPSGetting`.
final class PolicyHosts: HTTPSGetting {
    private let client: Mutex<HTTPClient>
    private let resolver: any Resolver
    private let port: UInt16

    /// Policy hosts whose addresses come from `resolver`; `port` is anything but 443 in tests only.
    init(client: HTTPClientSettings, resolver: any Resolver, port: UInt16) throws {
        self.client = Mutex(try PolicyHosts.make(client, resolver))
        self.resolver = resolver
        self.port = port
    }

    /// Puts other settings in force for policies that are fetched from now on.
    func update(_ settings: HTTPClientSettings) throws {
        let new = try PolicyHosts.make(settings, resolver)
        client.withLock { $0 = new }
    }

    private static func make(_ settings: HTTPClientSettings, _ resolver: any Resolver) throws -> HTTPClient {
        try HTTPClient(settings: settings) { host, loop, completion in
            resolver.resolve(host, .a, on: loop) { four in
                resolver.resolve(host, .aaaa, on: loop) { six in completion(four.addresses + six.addresses) }
            }
        }
    }

    func get(host: String, path: String, maxOctets: Int, timeout: Duration, on loop: any Loop,
             completion: @escaping @Sendable (Result<HTTPSDocument, HTTPSFailure>) -> Void) {
        guard let url = HTTPURL("https://\(host):\(port)\(path)") else {
            return loop.execute { completion(.failure(HTTPSFailure(isCertificate: false, "the domain gives no URL"))) }
        }
        let request = HTTPRequest("GET", url, fields: [.init("Accept", "text/plain")], maxResponseOctets: maxOctets, timeout: timeout)
        client.withLock { $0 }.send(request, on: loop) { result in
            switch result {
            case .success(let response):
                completion(.success(HTTPSDocument(status: response.status, contentType: response.field("Content-Type"), body: response.body)))
            case .failure(let error):
                let isCertificate = if case .certificate = error { true } else { false }
                completion(.failure(HTTPSFailure(isCertificate: isCertificate, "\(error)")))
            }
        }
    }
}

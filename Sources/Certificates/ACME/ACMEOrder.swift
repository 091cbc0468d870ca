import Crypto
import FoundationEssentials
import Ports
import Sockets
import SwiftASN1
import X509

/// What an ACME server will look for, to see that a name is ours.
public struct ACMEChallenge: Hashable, Sendable {
    /// Where it will look.
    public let kind: ACMEChallengeKind
    /// The name, without `*.`.
    public let name: String
    /// The token of the challenge, safe for a file name (RFC 8555 §8.3).
    public let token: String
    /// What proves that the token was given to us.
    public let keyAuthorization: String

    /// The SHA-256 of `keyAuthorization`.
    var digest: [UInt8] { Array(SHA256.hash(data: Array(keyAuthorization.utf8))) }

    /// The value of the TXT record at `_acme-challenge.` and the name (RFC 8555 §8.4).
    public var recordValue: String { Base64URL.encode(digest) }
}

/// Puts the answers to challenges where the ACME server looks for them; lives on the loop of the orders.
public protocol ACMEResponder: AnyObject {
    /// Makes the answer visible; `completion` gets what went wrong, on the loop.
    func present(_ challenge: ACMEChallenge, completion: @escaping (ACMEError?) -> Void)
    /// Takes the answer away.
    func withdraw(_ challenge: ACMEChallenge)
}

/// One order for a certificate, from the directory to the chain (RFC 8555 §7.4).
///
/// Confined to its loop; `@unchecked Sendable` so that timers of that loop may hold it.
final class ACMEOrder: @unchecked Sendable {
    private let client: ACMEClient
    private let settings: ACMESettings
    private let responder: any ACMEResponder
    private let certificateKey = P256.Signing.PrivateKey()
    private let deadline: Timestamp
    private var completion: ((Result<TLSCertificate, ACMEError>) -> Void)?
    private var orderURL = ""
    private var pending: [String] = []
    private var presented: ACMEChallenge?

    /// An order; `completion` is called once, on the client's loop.
    init(_ client: ACMEClient, _ settings: ACMESettings, responder: any ACMEResponder,
         completion: @escaping (Result<TLSCertificate, ACMEError>) -> Void) {
        self.client = client
        self.settings = settings
        self.responder = responder
        self.completion = completion
        deadline = client.loop.now + settings.orderTimeout
    }

    func start() {
        client.open(contacts: settings.contacts) { error in
            if let error { return self.end(.failure(error)) }
            self.order()
        }
    }

    private func order() {
        guard let url = client.directory?.newOrder else { return end(.failure(.malformed("directory"))) }
        let identifiers = settings.names.map { #"{"type":"dns","value":\#(JSONText.string($0))}"# }.joined(separator: ",")
        client.post(url, #"{"identifiers":[\#(identifiers)]}"#) { answer in
            self.take(answer, ACMEOrderState.self, "order") { order, response in
                guard let location = response.field("Location") else { return self.end(.failure(.malformed("order"))) }
                self.orderURL = location
                self.pending = order.authorizations
                self.authorize(order.finalize)
            }
        }
    }

    // MARK: Authorizations, one after the other (RFC 8555 §7.5)

    private func authorize(_ finalize: String) {
        guard let url = pending.first else { return self.finalize(finalize) }
        client.post(url, nil) { answer in
            self.take(answer, ACMEAuthorization.self, "authorization") { authorization, _ in
                self.respond(to: authorization, url, finalize)
            }
        }
    }

    private func respond(to authorization: ACMEAuthorization, _ url: String, _ finalize: String) {
        let name = authorization.identifier.value
        if authorization.status == "valid" { return next(finalize) }
        guard settings.names.contains(where: { $0 == name || $0 == "*." + name }) else { return end(.failure(.malformed("authorization of ours"))) }
        guard let offered = authorization.challenges.first(where: { $0.type == settings.challenge.rawValue }),
              let token = offered.token, ACMEOrder.isToken(token) else {
            return end(.failure(.challenge(name: name, "the server offers no \(settings.challenge.rawValue)")))
        }
        let challenge = ACMEChallenge(kind: settings.challenge, name: name, token: token,
                                      keyAuthorization: client.key.keyAuthorization(token))
        presented = challenge
        responder.present(challenge) { error in
            if let error { return self.end(.failure(error)) }
            self.client.post(offered.url, "{}") { answer in
                if case .failure(let error) = answer { return self.end(.failure(error)) }
                self.awaitAuthorization(url, name, finalize)
            }
        }
    }

    private func awaitAuthorization(_ url: String, _ name: String, _ finalize: String) {
        later(nil) {
            self.client.post(url, nil) { answer in
                self.take(answer, ACMEAuthorization.self, "authorization") { authorization, _ in
                    switch authorization.status {
                    case "pending", "processing": self.awaitAuthorization(url, name, finalize)
                    case "valid": self.next(finalize)
                    default:
                        let problem = authorization.challenges.compactMap(\.error).first
                        self.end(.failure(.challenge(name: name, problem.map { "\($0.word): \($0.words)" } ?? authorization.statusWord)))
                    }
                }
            }
        }
    }

    private func next(_ finalize: String) {
        withdraw()
        pending.removeFirst()
        authorize(finalize)
    }

    /// Tokens are of base64url alone (RFC 8555 §8.3); they become file names, records and URLs.
    private static func isToken(_ text: String) -> Bool {
        (1...256).contains(text.utf8.count) && text.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                 UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
    }

    // MARK: The certificate (RFC 8555 §7.4)

    private func finalize(_ url: String) {
        guard let request = signingRequest else { return end(.failure(.local("the signing request could not be made"))) }
        client.post(url, #"{"csr":"\#(Base64URL.encode(request))"}"#) { answer in
            self.take(answer, ACMEOrderState.self, "order") { order, response in self.follow(order, response.retryAfter) }
        }
    }

    private func follow(_ order: ACMEOrderState, _ wait: Duration?) {
        switch order.status {
        case "valid":
            guard let url = order.certificate else { return end(.failure(.malformed("certificate"))) }
            client.post(url, nil, accept: "application/pem-certificate-chain") { answer in
                switch answer {
                case .failure(let error): self.end(.failure(error))
                case .success(let response): self.receive(response.body)
                }
            }
        case "processing", "pending", "ready":
            later(wait) {
                self.client.post(self.orderURL, nil) { answer in
                    self.take(answer, ACMEOrderState.self, "order") { order, response in self.follow(order, response.retryAfter) }
                }
            }
        default:
            end(.failure(.problem(type: order.error?.word ?? "invalid", detail: order.error?.words ?? "", retryAfter: nil)))
        }
    }

    private func receive(_ chain: [UInt8]) {
        guard let facts = CertificateFacts(chain: chain), settings.names.allSatisfy(facts.names.contains) else {
            return end(.failure(.malformed("certificate for our names")))
        }
        let certificate = TLSCertificate(chain: chain, privateKey: Array((certificateKey.pemRepresentation + "\n").utf8))
        guard (try? NIOTLSServer(TLSServerSettings(certificates: [certificate]))) != nil else {
            return end(.failure(.malformed("certificate for our key")))
        }
        end(.success(certificate))
    }

    private var signingRequest: [UInt8]? {
        let key = Certificate.PrivateKey(certificateKey)
        guard let extensions = try? Certificate.Extensions(builder: { SubjectAlternativeNames(settings.names.map { .dnsName($0) }) }),
              let attributes = try? CertificateSigningRequest.Attributes([.init(ExtensionRequest(extensions: extensions))]),
              let request = try? CertificateSigningRequest(version: .v1, subject: DistinguishedName(), privateKey: key,
                                                           attributes: attributes, signatureAlgorithm: .ecdsaWithSHA256) else { return nil }
        var serializer = DER.Serializer()
        guard (try? serializer.serialize(request)) != nil else { return nil }
        return serializer.serializedBytes
    }

    // MARK: Waiting and ending

    private func take<Value: Decodable>(_ answer: ACMEClient.Answer, _ type: Value.Type, _ what: String,
                                        _ use: (Value, HTTPResponse) -> Void) {
        do throws(ACMEError) {
            let response = try answer.get()
            use(try response.json(type, what), response)
        } catch { end(.failure(error)) }
    }

    private func later(_ wait: Duration?, _ job: @escaping () -> Void) {
        let moment = client.loop.now + max(wait ?? settings.pollInterval, settings.pollInterval)
        guard moment < deadline else { return end(.failure(.timedOut)) }
        let confined = LoopConfined(job, to: client.loop)
        _ = client.loop.schedule(at: moment) { confined.value() }
    }

    private func withdraw() {
        if let presented { responder.withdraw(presented) }
        presented = nil
    }

    private func end(_ result: Result<TLSCertificate, ACMEError>) {
        withdraw()
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}

extension ACMEAuthorization {
    /// The status, which is one of a few words, or none of them.
    fileprivate var statusWord: String {
        ["invalid", "deactivated", "expired", "revoked"].contains(status) ? status : "unknown state"
    }
}

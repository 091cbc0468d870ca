import Ports
import Sockets

/// Speaks with an ACME server: signed requests, each with a nonce of its own (RFC 8555 §6).
///
/// Confined to its loop; `@unchecked Sendable` so that answers on that loop may hold it.
final class ACMEClient: @unchecked Sendable {
    let loop: any Loop
    let key: ACMEAccountKey
    private let http: any HTTPSending
    private let directoryURL: HTTPURL
    private(set) var directory: ACMEDirectory?
    private var account: String?
    private var nonces: [String] = []
    /// Refusals of a nonce that are passed over in a row (RFC 8555 §6.5).
    private static let maxBadNonces = 3
    /// Nonces that are kept.
    private static let maxNonces = 8

    typealias Answer = Result<HTTPResponse, ACMEError>

    init(_ http: any HTTPSending, directory: HTTPURL, key: ACMEAccountKey, loop: any Loop) {
        self.http = http
        directoryURL = directory
        self.key = key
        self.loop = loop
    }

    /// Reads the directory and makes, or finds, the account (RFC 8555 §7.3).
    func open(contacts: [String], completion: @escaping (ACMEError?) -> Void) {
        send(HTTPRequest("GET", directoryURL)) { answer in
            do throws(ACMEError) {
                self.directory = try answer.get().json(ACMEDirectory.self, "directory")
            } catch { return completion(error) }
            guard let url = self.directory?.newAccount else { return completion(.malformed("directory")) }
            let contact = contacts.isEmpty ? "" : #","contact":\#(JSONText.list(contacts))"#
            self.post(url, #"{"termsOfServiceAgreed":true\#(contact)}"#) { answer in
                switch answer {
                case .failure(let error): completion(error)
                case .success(let response):
                    self.account = response.field("Location")
                    completion(self.account == nil ? .malformed("account") : nil)
                }
            }
        }
    }

    /// Sends a signed request; `payload` nil asks for the resource.
    func post(_ url: String, _ payload: String?, accept: String? = nil, badNonces: Int = 0, completion: @escaping (Answer) -> Void) {
        guard let target = HTTPURL(url) else { return completion(.failure(.malformed("URL"))) }
        nonce { result in
            do throws(ACMEError) {
                let nonce = try result.get()
                let body = try self.key.sign(payload, url: url, nonce: nonce, account: self.account)
                var request = HTTPRequest("POST", target, fields: [.init("Content-Type", "application/jose+json")], body: body)
                if let accept { request.fields.append(.init("Accept", accept)) }
                self.send(request) { answer in
                    if case .failure(.problem("badNonce", _, _)) = answer, badNonces < ACMEClient.maxBadNonces {
                        return self.post(url, payload, accept: accept, badNonces: badNonces + 1, completion: completion)
                    }
                    completion(answer)
                }
            } catch { completion(.failure(error)) }
        }
    }

    private func nonce(completion: @escaping (Result<String, ACMEError>) -> Void) {
        if let nonce = nonces.popLast() { return completion(.success(nonce)) }
        guard let directory, let url = HTTPURL(directory.newNonce) else { return completion(.failure(.malformed("directory"))) }
        send(HTTPRequest("HEAD", url)) { answer in
            do throws(ACMEError) {
                _ = try answer.get()
                guard let nonce = self.nonces.popLast() else { throw .malformed("nonce") }
                completion(.success(nonce))
            } catch { completion(.failure(error)) }
        }
    }

    private func send(_ request: HTTPRequest, completion: @escaping (Answer) -> Void) {
        let confined = LoopConfined(completion, to: loop)
        http.send(request, on: loop) { result in
            switch result {
            case .failure(let error): confined.value(.failure(.network(error)))
            case .success(let response):
                if let nonce = response.field("Replay-Nonce"), self.nonces.count < ACMEClient.maxNonces { self.nonces.append(nonce) }
                confined.value(ACMEClient.judged(response))
            }
        }
    }

    private static func judged(_ response: HTTPResponse) -> Answer {
        if (200...299).contains(response.status) { return .success(response) }
        guard let problem = try? response.json(ACMEProblem.self, "problem") else {
            return .failure(.malformed("answer but status \(response.status)"))
        }
        return .failure(.problem(type: problem.word, detail: problem.words, retryAfter: response.retryAfter))
    }
}

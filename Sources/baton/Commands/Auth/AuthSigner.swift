import ArgumentParser
import Control
import Cryptography
import Glibc
import MailAuth
import MessageFormat
import Ports
import Sockets

/// Whose key signs or seals.
struct AuthSigner: ParsableArguments {
    @Option(name: [.short, .long], help: "The domain that signs.")
    var domain: String

    @Option(name: [.short, .long], help: "The selector of the key.")
    var selector: [String] = []

    @Option(name: [.short, .long], help: "The file of the private key in PEM; one for each --selector, in the same order.")
    var key: [String] = []

    @Option(help: "The fields to sign, such as from:to:subject (default: the usual ones that are present).")
    var headers: String?

    @Flag(help: "Print the new header fields only, not the message after them.")
    var headersOnly = false

    func validate() throws {
        guard !selector.isEmpty, selector.count == key.count else { throw ValidationError("give --selector and --key in pairs") }
    }

    /// The domain, checked.
    func signingDomain() throws(AuthRequestError) -> Domain {
        guard let domain = try? Domain(parsing: domain) else { throw AuthRequestError("--domain: \"\(domain)\" is not a domain name") }
        return domain
    }

    /// The selectors with their keys.
    func keys() throws(AuthRequestError) -> [(selector: String, key: SigningKey)] {
        var keys: [(selector: String, key: SigningKey)] = []
        for (selector, path) in zip(selector, key) {
            let pem = try CommandFile.read(path)
            do throws(CryptographyError) {
                keys.append((selector, try SigningKey(pem: pem)))
            } catch {
                throw AuthRequestError("\(path) is not an RSA or Ed25519 private key in PEM: make one with `openssl genpkey -algorithm ed25519`")
            }
        }
        return keys
    }

    /// The names of `--headers`.
    func fieldNames() throws(AuthRequestError) -> [HeaderName]? {
        guard let headers else { return nil }
        var names: [HeaderName] = []
        for part in headers.split(separator: ":") {
            guard let name = HeaderName(parsing: part.filter { $0 != " " }) else { throw AuthRequestError("--headers: \"\(part)\" is not the name of a field") }
            names.append(name)
        }
        return names
    }

    /// Writes the new fields and, unless only they are wanted, the message.
    func write(_ fields: [UInt8], _ message: [UInt8]) {
        CommandFile.write(headersOnly ? fields : fields + message)
    }
}

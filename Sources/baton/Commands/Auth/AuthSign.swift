import ArgumentParser
import Control
import Cryptography
import Glibc
import MailAuth
import MessageFormat
import Ports
import Sockets

/// `baton auth sign`: puts DKIM signatures on a message.
struct AuthSign: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Sign a message with DKIM (RFC 6376).",
        discussion: "Each pair of --selector and --key makes one signature. The message is written to standard output with CRLF line ends.")

    @Argument(help: "The file of the message; - is standard input. A lone LF becomes CRLF.")
    var message: String

    @OptionGroup var signer: AuthSigner

    @Option(name: .customShort("c"), help: "The canonicalization of header and body, such as relaxed/simple.")
    var canonicalization = "relaxed/relaxed"

    @Option(help: "The time of the signature instead of now: Unix seconds, or such as 2026-11-21T18:59:15Z.")
    var at: String?

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        do throws(AuthRequestError) { try sign() } catch {
            printError(TerminalText.safe(error.description))
            throw ExitCode(EX_DATAERR)
        }
    }

    private func sign() throws(AuthRequestError) {
        let domain = try signer.signingDomain()
        var keys: [DKIMKey] = []
        for (selector, key) in try signer.keys() {
            guard let key = DKIMKey(domain: domain, selector: selector, key: key) else { throw AuthRequestError("--selector: \"\(selector)\" is not a selector") }
            keys.append(key)
        }
        let dkim = DKIMSigner(try settings())
        let octets = AuthRequest.withCRLF(try CommandFile.read(message))
        let (header, bodies, hash) = try SignedMessage.read(octets) { dkim.bodyHash(in: $0) }
        let time = try AuthEnvironment.time(at) ?? ProcessClock().now
        do throws(CryptographyError) {
            signer.write(try dkim.sign(header, bodyHash: bodies.value(hash).hash, keys: keys, at: time), octets)
        } catch {
            throw AuthRequestError("not signed: the key does not sign: \(error)")
        }
    }

    private func settings() throws(AuthRequestError) -> DKIMSignerSettings {
        // Fields that are asked for are signed as often as they are there; without a list the usual ones, once more each.
        var settings = try signer.fieldNames().map { DKIMSignerSettings(fields: $0, oversigned: []) } ?? DKIMSignerSettings()
        let halves = canonicalization.split(separator: "/", omittingEmptySubsequences: false).map { Canonicalization(rawValue: String($0)) }
        guard halves.count == 2, let header = halves[0], let body = halves[1] else {
            throw AuthRequestError("-c: \"\(canonicalization)\" is none of relaxed/relaxed, relaxed/simple, simple/relaxed, simple/simple")
        }
        settings.headerCanonicalization = header
        settings.bodyCanonicalization = body
        return settings
    }
}

import ArgumentParser
import Control
import Cryptography
import Glibc
import MailAuth
import MessageFormat
import Ports

/// `baton auth seal`: adds an ARC set to a message.
struct AuthSeal: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal", abstract: "Seal a message with an ARC set (RFC 8617).",
        discussion: """
            The message is checked first, as `baton auth check` does, and the new set tells what was found. With --results the \
            Authentication-Results fields that the message has from --authserv-id are sealed instead. The message is \
            written to standard output with CRLF line ends.
            """)

    @Argument(help: "The file of the message; - is standard input. A lone LF becomes CRLF.")
    var message: String

    @OptionGroup var signer: AuthSigner

    @Flag(help: "Seal the results that the message has from --authserv-id already.")
    var results = false

    @Option(help: "The address of the client that sent the message.")
    var ip: String?

    @Option(help: "The name that the client gave with HELO or EHLO.")
    var helo = ""

    @Option(name: .customLong("from"), help: "The reverse-path (MAIL FROM); empty for the null path.")
    var reversePath = ""

    @OptionGroup var environment: AuthEnvironment

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        do throws(AuthRequestError) { try seal() } catch {
            printError(TerminalText.safe(error.description))
            throw ExitCode(EX_DATAERR)
        }
    }

    private func seal() throws(AuthRequestError) {
        let keys = try signer.keys()
        guard keys.count == 1 else { throw AuthRequestError("a set has one seal: give one --selector and one --key") }
        let sealer = ARCSealer(domain: try signer.signingDomain(), selector: keys[0].selector, key: keys[0].key,
                               signedFields: try signer.fieldNames() ?? ARCSealer.usualFields)
        var request = AuthRequest()
        request.helo = helo
        request.reversePath = AuthRequest.path(reversePath)
        if let ip {
            do throws(JSONMembers.Failure) { request.client = try AuthRequest.address(ip) } catch { throw AuthRequestError("--ip: \(error)") }
        }
        let octets = AuthRequest.withCRLF(try CommandFile.read(message))
        request.message = octets
        request.zone = try environment.zoneResolver()
        request.at = try environment.time()
        let engine = try environment.engine()
        defer { engine.close() }
        let report = try engine.check(request).report
        let (header, bodies, hash) = try SignedMessage.read(octets) { sealer.request($0) }
        let found = results ? ARCSealer.results(of: environment.service, in: header) : report.authenticationResults(service: environment.service).body
        do throws(ARCSealer.Failure) {
            let fields = try sealer.seal(header, bodyHash: bodies.value(hash).hash, chain: report.arc, results: found, at: request.at ?? engine.now)
            signer.write(fields, octets)
        } catch {
            throw AuthRequestError("not sealed: \(error)")
        }
    }
}

/// A message that is about to be signed: its header, and its body hashed.
enum SignedMessage {
    /// Reads `message` and lets `request` ask for the hashes of the body that it needs.
    static func read<Requests>(_ message: [UInt8], _ request: (BodyHashes) -> Requests) throws(AuthRequestError) -> (MessageHeader, BodyHashes, Requests) {
        let bodies = BodyHashes()
        let requests = request(bodies)
        var splitter = MessageSplitter()
        var bodyStart: Int?
        message.withUnsafeBytes { octets in
            if case .complete(let start) = splitter.receive(octets) { bodyStart = start }
        }
        guard let header = try? MessageHeader(scanning: splitter.header), !header.isMalformed else {
            throw AuthRequestError("the message has no header that can be signed: a line is not a field, or it is too long")
        }
        if let bodyStart { bodies.receive(message[bodyStart...]) }
        bodies.finish()
        return (header, bodies, requests)
    }
}

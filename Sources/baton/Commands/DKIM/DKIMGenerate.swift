import ArgumentParser
import Cryptography
import MailAuth
import MessageFormat

/// `baton dkim generate`: a new key and the record to publish.
struct DKIMGenerate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Make a key for a domain and print the DNS record to publish.",
        discussion: "The key signs from the next reload on: publish the record first, or make it with --next and let 'baton dkim rotate' put it in force.")

    @OptionGroup var keys: KeyDirectoryOptions

    @Argument(help: "The signing domain.")
    var domain: String

    @Option(help: "The selector; by default one of the type and today's date, such as rsa20260821.")
    var selector: String?

    @Option(help: "rsa or ed25519.")
    var type = KeyKind.rsa

    @Option(help: "Bits of an RSA key: 1024 to 4096.")
    var bits = 2048

    @Flag(help: "Do not sign with it yet.")
    var next = false

    func run() throws {
        let directory = try keys.keys()
        let domain = try KeyDirectoryOptions.domain(domain)
        do throws(KeyDirectoryError) {
            let entry = try KeyMaker(directory: directory).make(type, bits: bits, domain: domain, selector: selector, stage: next ? .next : .active)
            print(PublishedKey(entry).zoneLine)
        } catch {
            printError("\(error)")
            throw ExitCode.failure
        }
    }
}

/// The kinds of key that are made.
enum KeyKind: String, ExpressibleByArgument, CaseIterable {
    case rsa
    case ed25519
}

import ArgumentParser
import Glibc
import MailAuth
import MessageFormat
import Ports

/// `baton dkim rotate`: the next stage on the way from old keys to new ones.
struct DKIMRotate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Take a domain's keys one stage further.",
        discussion: """
            Run it again and again, by hand or from a timer; each run does the one thing that can be done:
            make new keys and print their records; once these are published, let the new keys sign instead of
            the old ones (then 'baton reload'); once the old ones are out of use for long enough, remove them.
            """)

    @OptionGroup var keys: KeyDirectoryOptions
    @OptionGroup var lookup: LookupOptions

    @Argument(help: "The signing domain.")
    var domain: String

    @Option(parsing: .upToNextOption, help: "The kinds of new keys: rsa, ed25519 or both; by default those that sign now.")
    var type: [KeyKind] = []

    @Option(help: "Bits of an RSA key: 1024 to 4096.")
    var bits = 2048

    @Option(help: "Days for which a retired key stays published.")
    var overlap = 14

    func run() throws {
        guard (0...3650).contains(overlap) else { throw ValidationError("--overlap must be 0 to 3650 days") }
        let domain = try KeyDirectoryOptions.domain(domain)
        let active = try keys.entries(of: domain.ascii).filter { $0.stage == .active }
        let current = KeyKind.allCases.filter { kind in active.contains { $0.key.algorithm.keyType.rawValue == kind.rawValue } }
        let kinds = type.isEmpty ? (current.isEmpty ? [.rsa] : current) : KeyKind.allCases.filter(type.contains)
        let rotation = KeyRotation(directory: try keys.keys(), check: PublishedKeyCheck(resolver: try lookup.resolver(keys.config)),
                                   overlap: Int64(overlap) * 86400, now: Int64(time(nil)))
        do throws(KeyDirectoryError) {
            tell(try rotation.advance(domain, kinds: kinds, bits: bits))
        } catch {
            printError("\(error)")
            throw ExitCode.failure
        }
    }

    private func tell(_ step: KeyRotation.Step) {
        switch step {
        case .prepared(let entries):
            print("; new keys are made; publish these records, then run this again:")
            for entry in entries { print(PublishedKey(entry).zoneLine) }
        case .waiting(let findings):
            print("; the new keys wait for their records:")
            for (entry, finding) in findings { print("; \(entry.recordName): \(finding.words)\n\(PublishedKey(entry).zoneLine)") }
        case .activated(let new, let retired):
            print("in force with the next 'baton reload': \(new.map(\.selector).joined(separator: " "))")
            print("keep published for now: \(retired.map(\.recordName).joined(separator: " "))")
        case .overlapping(let until):
            print("retired keys stay published until \(DateTime.rfc3339(Timestamp(seconds: until))); nothing to do before")
        case .removed(let entries):
            print("removed; delete these records: \(entries.map(\.recordName).joined(separator: " "))")
        }
    }
}

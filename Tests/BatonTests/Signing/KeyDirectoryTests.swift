@testable import baton
import DNS
import Glibc
import MailAuth
import MessageFormat
import Testing

@Suite("The directory of DKIM keys") struct KeyDirectoryTests {
    let folder: TemporaryFolder
    let directory: KeyDirectory
    let domain: Domain

    init() throws {
        folder = try TemporaryFolder()
        directory = KeyDirectory(path: folder.path)
        domain = try Domain(parsing: "a.example")
    }

    private func make(_ kind: KeyKind = .ed25519, _ selector: String? = nil, _ stage: KeyStage = .active) throws -> KeyDirectory.Entry {
        try KeyMaker(directory: directory).make(kind, bits: 1024, domain: domain, selector: selector, stage: stage)
    }

    private func zone(_ entries: [KeyDirectory.Entry]) -> Zone {
        Zone(Dictionary(uniqueKeysWithValues: entries.map { ($0.recordName, Zone.Entry([.txt(Array(PublishedKey($0).text.utf8))])) }))
    }

    private func rotation(_ zone: Zone, at now: Int64) -> KeyRotation {
        KeyRotation(directory: directory, check: PublishedKeyCheck(resolver: ZoneResolver(zone)), overlap: 86400, now: now)
    }

    @Test func madeKeysAreFoundAndPrivate() throws {
        let made = [try make(.ed25519, "e1"), try make(.rsa, "r1"), try make(.rsa, "r2", .next)]
        let found = try directory.entries()
        #expect(found.map(\.selector) == ["e1", "r1", "r2"] && found.map(\.stage) == [.active, .active, .next])
        #expect(found.map(\.key.publicOctets) == made.map(\.key.publicOctets))
        #expect(try directory.signingKeys()[domain]?.map(\.selector) == ["e1", "r1"])
        var status = stat()
        #expect(stat(made[0].path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(throws: KeyDirectoryError.self) { try make(.ed25519, "e1", .next) }
        #expect(throws: KeyDirectoryError.self) { try make(.ed25519, "../x") }
        #expect(throws: KeyDirectoryError.self) { try make(.ed25519, "") }
    }

    @Test("A key that others can read, a link, a bad file", arguments: [0o644, 0o660, 0o602, 0o604]) func exposedKeys(mode: mode_t) throws {
        let entry = try make()
        chmod(entry.path, mode)
        let error = try #require(throws: KeyDirectoryError.self) { try directory.signingKeys() }
        #expect(error.path == entry.path && error.reason.contains("chmod"))
        chmod(entry.path, 0o640)
        #expect(try directory.signingKeys().count == 1)
        symlink(entry.path, folder.path + "/a.example/link.pem")
        #expect(throws: KeyDirectoryError.self) { try directory.signingKeys() }
        unlink(folder.path + "/a.example/link.pem")
        let bad = try folder.write("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", to: "a.example/bad.pem")
        chmod(bad, 0o600)
        let malformed = try #require(throws: KeyDirectoryError.self) { try directory.signingKeys() }
        #expect(!"\(malformed)".contains("c2VjcmV0"))
    }

    @Test("RFC 1035 §3.3: strings of at most 255 octets") func recordText() throws {
        let record = PublishedKey(try KeyMaker(directory: directory).make(.rsa, bits: 2048, domain: domain, selector: "s", stage: .active))
        #expect(record.strings.count == 2 && record.strings.allSatisfy { $0.utf8.count <= 255 } && record.strings.joined() == record.text)
        #expect(record.zoneLine.hasPrefix("s._domainkey.a.example. IN TXT ( \"v=DKIM1; k=rsa; h=sha256; p=MI"))
        #expect(try KeyRecord(parsing: Array(record.text.utf8)).isForMail)
    }

    @Test func whatDNSSays() throws {
        let entry = try make(), other = try make(.ed25519, "other")
        func finding(_ record: String) -> PublishedKeyCheck.Finding {
            let zone = Zone([entry.recordName: Zone.Entry([.txt(Array(record.utf8))])])
            return PublishedKeyCheck(resolver: ZoneResolver(zone)).finding(entry)
        }
        #expect(finding(PublishedKey(entry).text) == .published)
        #expect(finding(PublishedKey(other).text) == .wrong("another key is published"))
        #expect(finding("v=DKIM1; k=ed25519; p=") == .wrong("the published key is revoked"))
        #expect(finding(PublishedKey(entry).text + "; t=y") == .wrong("the record says that the domain only tests (t=y)"))
        #expect(finding("v=spf1 -all") == .wrong("the key record is not valid"))
        #expect(PublishedKeyCheck(resolver: ZoneResolver(Zone())).finding(entry) == .missing)
    }

    @Test("From old keys to new ones, stage by stage") func rotates() throws {
        let old = try make(.ed25519, "old")
        guard case .prepared(let new) = try rotation(zone([old]), at: old.since).advance(domain, kinds: [.ed25519, .rsa], bits: 1024) else {
            Issue.record("new keys come first")
            return
        }
        #expect(new.count == 2 && new.allSatisfy { $0.stage == .next })
        #expect(try directory.signingKeys()[domain]?.map(\.selector) == ["old"], "what is not published does not sign")
        guard case .waiting(let findings) = try rotation(zone([old, new[0]]), at: old.since).advance(domain, kinds: [], bits: 1024) else {
            Issue.record("all records must be there")
            return
        }
        #expect(findings.map { $0.finding } == [.missing])
        guard case .activated = try rotation(zone([old] + new), at: old.since).advance(domain, kinds: [], bits: 1024) else {
            Issue.record("published keys are put in force")
            return
        }
        #expect(Set(try directory.signingKeys()[domain]?.map(\.selector) ?? []) == Set(new.map(\.selector)))
        let retired = try #require(try directory.entries().first { $0.stage == .retired })
        guard case .overlapping = try rotation(Zone(), at: retired.since + 86399).advance(domain, kinds: [], bits: 1024) else {
            Issue.record("retired keys stay for a while")
            return
        }
        guard case .removed(let gone) = try rotation(Zone(), at: retired.since + 86400).advance(domain, kinds: [], bits: 1024) else {
            Issue.record("then they go")
            return
        }
        #expect(gone.map(\.selector) == ["old"])
        #expect(try directory.entries().map(\.stage) == [.active, .active])
    }
}

import Glibc
import MailAuth
import MessageFormat

/// Takes the keys of a domain one stage further: never is a key in force that is not published, and none disappears
/// while mail that it signed may still be on its way.
struct KeyRotation {
    /// What was done, and what the operator has to do.
    enum Step {
        /// New keys wait for their records.
        case prepared([KeyDirectory.Entry])
        /// New keys wait: these are not published yet.
        case waiting([(entry: KeyDirectory.Entry, finding: PublishedKeyCheck.Finding)])
        /// The new keys sign from the next reload on; the old ones are retired.
        case activated(new: [KeyDirectory.Entry], retired: [KeyDirectory.Entry])
        /// Retired keys must stay published until then, in seconds since 1970.
        case overlapping(until: Int64)
        /// The retired keys are gone; their records can go.
        case removed([KeyDirectory.Entry])
    }

    let directory: KeyDirectory
    let check: PublishedKeyCheck
    /// How long the record of a retired key stays, in seconds: longer than any queue keeps mail.
    let overlap: Int64
    let now: Int64

    /// Does the next thing that can be done for `domain`.
    func advance(_ domain: Domain, kinds: [KeyKind], bits: Int) throws(KeyDirectoryError) -> Step {
        let entries = try directory.entries(of: domain)
        let next = entries.filter { $0.stage == .next }
        if !next.isEmpty { return try activate(next, over: entries.filter { $0.stage == .active }) }
        let retired = entries.filter { $0.stage == .retired }
        if let last = retired.map(\.since).max() {
            guard now >= last + overlap else { return .overlapping(until: last + overlap) }
            for entry in retired where unlink(entry.path) != 0 {
                throw KeyDirectoryError(path: entry.path, reason: String(cString: strerror(errno)))
            }
            return .removed(retired)
        }
        var made: [KeyDirectory.Entry] = []
        for kind in kinds {
            made.append(try KeyMaker(directory: directory).make(kind, bits: bits, domain: domain, selector: nil, stage: .next))
        }
        return .prepared(made)
    }

    private func activate(_ next: [KeyDirectory.Entry], over active: [KeyDirectory.Entry]) throws(KeyDirectoryError) -> Step {
        let findings = next.map { (entry: $0, finding: check.finding($0)) }
        guard findings.allSatisfy({ $0.finding == .published }) else { return .waiting(findings.filter { $0.finding != .published }) }
        // First the new ones: if this is cut short, both sign, which is no harm.
        for entry in next { try move(entry, to: .active) }
        for entry in active { try move(entry, to: .retired) }
        return .activated(new: next, retired: active)
    }

    private func move(_ entry: KeyDirectory.Entry, to stage: KeyStage) throws(KeyDirectoryError) {
        let path = String(entry.path.dropLast(entry.stage.suffix.count)) + stage.suffix
        guard rename(entry.path, path) == 0 else { throw KeyDirectoryError(path: entry.path, reason: String(cString: strerror(errno))) }
    }
}

import DNS
import MessageFormat

/// The DNS Tree Walk (RFC 9989 §4.10): the policy records on the way from a domain to the root.
///
/// One walk asks at most 8 questions, however many labels the domain has. Several walks for one
/// message share what they learnt.
public final class DMARCTreeWalk {
    /// Most questions of one walk (RFC 9989 §4.10).
    public static let maxQueries = 8

    /// What a walk found.
    public struct Findings: Sendable {
        /// A record and where it was found.
        public struct Found: Hashable, Sendable {
            /// The domain whose record it is, without `_dmarc`.
            public let domain: String
            /// The record.
            public let record: DMARCRecord
        }

        /// Where the walk began.
        public let start: String
        /// The records, the longest name first.
        public var found: [Found] = []
        /// Why the walk ended early: a question that may be answered another time.
        public var failure: String?
        /// What was discarded on the way, for people.
        public var remarks: [String] = []

        /// The record of the domain that the walk began at.
        public var own: DMARCRecord? { found.first.flatMap { $0.domain == start ? $0.record : nil } }

        /// The Organizational Domain (RFC 9989 §4.10.2).
        public var organizationalDomain: String {
            for item in found {
                if item.record.publicSuffix == .no { return item.domain }
                if item.record.publicSuffix == .yes, item.domain != start { return below(item.domain) }
            }
            return found.last?.domain ?? start
        }

        /// The record that applies to mail from the start domain: its own, the Organizational Domain's, or the Public Suffix Domain's.
        public var applicable: Found? {
            if let first = found.first, first.domain == start { return first }
            let organization = organizationalDomain
            return found.first { $0.domain == organization } ?? found.first { $0.record.publicSuffix == .yes }
        }

        /// The suffix of `start` that is one label longer than `suffix`.
        private func below(_ suffix: String) -> String {
            let rest = start.utf8.dropLast(suffix.utf8.count + 1)
            guard let dot = rest.lastIndex(of: UInt8(ascii: ".")) else { return start }
            return String(start[start.utf8.index(after: dot)...])
        }
    }

    private enum Answer {
        case record(DMARCRecord)
        case none(remark: String?)
        case failure(String)
    }

    private let lookups: Lookups
    private var known: [String: Answer] = [:]

    /// Walks whose questions count against `lookups`.
    public init(_ lookups: Lookups) { self.lookups = lookups }

    /// Walks up from `domain`; `completion` is called once, on the lookups' loop.
    public func walk(from domain: String, completion: @escaping (Findings) -> Void) {
        step(domain, Findings(start: domain), completion)
    }

    private func step(_ domain: String, _ findings: Findings, _ completion: @escaping (Findings) -> Void) {
        record(of: domain) { [self] answer in
            var findings = findings
            switch answer {
            case .record(let record):
                findings.found.append(.init(domain: domain, record: record))
                // A record that states its role ends the walk.
                if record.publicSuffix != .unknown { return completion(findings) }
            case .none(let remark):
                if let remark { findings.remarks.append(remark) }
            case .failure(let reason):
                findings.failure = reason
                return completion(findings)
            }
            guard let next = Self.parent(of: domain) else { return completion(findings) }
            step(next, findings, completion)
        }
    }

    /// The next name of the walk: a long name is cut to 7 labels at once.
    static func parent(of domain: String) -> String? {
        let labels = domain.split(separator: ".")
        guard labels.count > 1 else { return nil }
        return labels.suffix(min(labels.count - 1, maxQueries - 1)).joined(separator: ".")
    }

    private func record(of domain: String, completion: @escaping (Answer) -> Void) {
        if let answer = known[domain] { return completion(answer) }
        lookups.ask("_dmarc." + domain, .txt) { [self] answer in
            let answer = Self.read(answer, domain)
            known[domain] = answer
            completion(answer)
        }
    }

    private static func read(_ answer: DNSAnswer, _ domain: String) -> Answer {
        if answer.isTemporaryFailure { return .failure(answer.reason ?? "no answer for _dmarc.\(domain)") }
        var records: [DMARCRecord] = []
        var remark: String?
        for case .txt(let text) in answer.records {
            do throws(DMARCRecordError) {
                records.append(try DMARCRecord(parsing: text))
            } catch {
                // What is no DMARC record at all is not worth a word.
                if case .duplicateTag = error { remark = "_dmarc.\(domain): \(error)" }
            }
        }
        if records.count > 1 { return .none(remark: "_dmarc.\(domain) has more than one record, so that none counts") }
        return records.first.map(Answer.record) ?? .none(remark: remark)
    }
}

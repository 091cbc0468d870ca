import DNS
import Dispatch
import MailAuth
import Ports
import Sockets

/// Compares keys with what DNS publishes.
struct PublishedKeyCheck {
    /// What DNS says of a key.
    enum Finding: Equatable {
        /// The record is there and holds this key.
        case published
        /// There is no record.
        case missing
        /// There is a record, and it is wrong in this way.
        case wrong(String)
        /// DNS did not answer.
        case unknown(String)

        /// The finding in words.
        var words: String {
            switch self {
            case .published: "published"
            case .missing: "not published"
            case .wrong(let reason): reason
            case .unknown(let reason): reason
            }
        }
    }

    let resolver: any Resolver

    /// What DNS says of `entry`; waits for the answer.
    func finding(_ entry: KeyDirectory.Entry) -> Finding {
        let loops = LoopGroup(count: 1)
        let loop = loops.loops[0]
        let ready = DispatchSemaphore(value: 0)
        let box = AnswerBox()
        resolver.resolve(entry.recordName, .txt, on: loop) { answer in
            box.answer = answer
            ready.signal()
        }
        ready.wait()
        loops.shutdown {}
        guard let answer = box.answer else { return .unknown("DNS gave no answer") }
        return PublishedKeyCheck.judge(answer, entry)
    }

    /// What an answer says of `entry`.
    static func judge(_ answer: DNSAnswer, _ entry: KeyDirectory.Entry) -> Finding {
        if answer.isTemporaryFailure { return .unknown("DNS did not answer: \(answer.reason ?? "no reason given")") }
        guard answer.status == .success else { return .missing }
        if answer.records.count > 1 { return .wrong("\(answer.records.count) records where there must be one") }
        switch KeyLookup.key(in: answer) {
        case .failure(let failure): return failure == .noKey ? .missing : .wrong(failure.rawValue)
        case .success(let record):
            if record.isRevoked { return .wrong("the published key is revoked") }
            guard record.keyType == entry.key.algorithm.keyType, record.key == entry.key.publicOctets else {
                return .wrong("another key is published")
            }
            guard record.isForMail, record.allows(entry.key.algorithm) else { return .wrong("the record does not allow this use of the key") }
            return record.isTesting ? .wrong("the record says that the domain only tests (t=y)") : .published
        }
    }
}

/// Where the loop leaves its answer for the thread that waits; the semaphore between them orders the accesses.
private final class AnswerBox: @unchecked Sendable {
    var answer: DNSAnswer?
}

import Events
import SMTP

/// Tells what kind of failure a diagnosis is, from status code, reply code and the words that hosts commonly use.
public enum BounceClassifier {
    /// The diagnosis with its class; one that has a class keeps it.
    public static func classified(_ diagnosis: Diagnosis) -> Diagnosis {
        guard diagnosis.bounceClass == .unclassified else { return diagnosis }
        var result = diagnosis
        result.bounceClass = classify(diagnosis)
        return result
    }

    private static func classify(_ diagnosis: Diagnosis) -> BounceClass {
        let status = diagnosis.reply?.enhanced ?? diagnosis.status
        // Codes that mean one thing everywhere come first; providers use x.7.1 and x.0.0 for anything.
        if let known = byStatus(status) { return known }
        if let reply = diagnosis.reply {
            if let known = byWords(reply.text) { return known }
            if let known = byCode(reply.code) { return known }
        }
        return bySubject(status)
    }

    private static func byStatus(_ status: EnhancedStatusCode) -> BounceClass? {
        switch (status.subject, status.detail) {
        case (1, 1), (1, 3), (1, 6): .unknownMailbox
        case (1, 2), (1, 10): .unknownDomain
        case (2, 1): .mailboxDisabled
        case (2, 2): .mailboxFull
        case (2, 3), (3, 4): .messageTooLarge
        case (4, 1), (4, 2), (4, 5): .network
        case (4, 3), (4, 4): .dns
        case (4, 6): .loop
        case (6, _): .protocol
        case (7, 20...29): .authentication
        case (7, 10), (7, 4), (7, 30): .tls
        default: nil
        }
    }

    private static func byWords(_ text: String) -> BounceClass? {
        // Long replies say what matters at their beginning; and this runs on whatever a remote host sends.
        let words = text.utf8.prefix(1024).map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
        return words.withUnsafeBufferPointer { words in
            phrases.first { contains($0.0, in: words) }?.1
        }
    }

    // Octet by octet: a storm of deferrals asks this for each of them, and for every phrase.
    private static func contains(_ phrase: StaticString, in words: UnsafeBufferPointer<UInt8>) -> Bool {
        let phrase = UnsafeBufferPointer(start: phrase.utf8Start, count: phrase.utf8CodeUnitCount)
        guard words.count >= phrase.count else { return false }
        return (0...(words.count - phrase.count)).contains { start in
            words[start] == phrase[0] && words[start..<(start + phrase.count)].elementsEqual(phrase)
        }
    }

    // The more telling come first: a full mailbox is often also said to be "unavailable".
    private static let phrases: [(StaticString, BounceClass)] = [
        ("over quota", .mailboxFull), ("quota exceeded", .mailboxFull), ("mailbox full", .mailboxFull),
        ("mailbox is full", .mailboxFull), ("insufficient storage", .mailboxFull),
        ("user unknown", .unknownMailbox), ("unknown user", .unknownMailbox), ("no such user", .unknownMailbox),
        ("does not exist", .unknownMailbox), ("doesn't exist", .unknownMailbox), ("no mailbox", .unknownMailbox),
        ("mailbox unavailable", .unknownMailbox), ("unknown recipient", .unknownMailbox),
        ("recipient not found", .unknownMailbox), ("invalid recipient", .unknownMailbox), ("user not found", .unknownMailbox),
        ("account disabled", .mailboxDisabled), ("account is disabled", .mailboxDisabled), ("inactive", .mailboxDisabled),
        ("too large", .messageTooLarge), ("size limit", .messageTooLarge), ("exceeds size", .messageTooLarge),
        ("greylist", .rateLimited), ("graylist", .rateLimited), ("too many", .rateLimited), ("rate limit", .rateLimited),
        ("throttl", .rateLimited), ("try again later", .rateLimited),
        ("spf", .authentication), ("dkim", .authentication), ("dmarc", .authentication),
        ("unauthenticated", .authentication), ("reverse dns", .authentication), ("ptr record", .authentication),
        ("blacklist", .reputation), ("blocklist", .reputation), ("block list", .reputation), ("black list", .reputation),
        ("spamhaus", .reputation), ("reputation", .reputation), ("spam", .reputation),
        ("starttls", .tls), ("encryption", .tls),
        ("relay", .policy), ("policy", .policy), ("not permitted", .policy), ("not allowed", .policy), ("denied", .policy),
        ("too many hops", .loop), ("mail loop", .loop),
    ]

    private static func byCode(_ code: Int) -> BounceClass? {
        switch code {
        case 421, 450: .rateLimited
        case 422: .mailboxFull
        case 452: .system
        case 501...504, 555: .protocol
        case 521, 556: .unknownDomain
        case 530, 534, 535: .authentication
        case 550, 551, 553: .unknownMailbox
        case 552: .messageTooLarge
        case 554: .policy
        default: nil
        }
    }

    private static func bySubject(_ status: EnhancedStatusCode) -> BounceClass {
        switch status.subject {
        case 1: .unknownMailbox
        case 2: .mailboxDisabled
        case 3: .system
        case 4: .network
        case 5: .protocol
        case 6: .protocol
        case 7: .policy
        default: .unclassified
        }
    }
}

/// The tags of the fields in a record's meta part, format 1.
///
/// A tag is never given a second meaning; readers skip tags that they do not know.
enum FieldTag {
    static let message: UInt8 = 1
    static let time: UInt8 = 2

    // The envelope.
    static let reversePath: UInt8 = 3
    static let recipient: UInt8 = 4
    static let body: UInt8 = 5
    static let smtpUTF8: UInt8 = 6
    static let requireTLS: UInt8 = 7
    static let returnContent: UInt8 = 8
    static let envelopeID: UInt8 = 9
    static let size: UInt8 = 10
    static let content: UInt8 = 11
    static let notBefore: UInt8 = 12
    static let expiresAt: UInt8 = 13
    static let priority: UInt8 = 14
    static let prefix: UInt8 = 15
    static let chunkSize: UInt8 = 16
    static let verification: UInt8 = 17
    static let forwardedReversePath: UInt8 = 18
    static let clientAddress: UInt8 = 20
    static let clientName: UInt8 = 21
    static let helo: UInt8 = 22
    static let transmission: UInt8 = 23
    static let listener: UInt8 = 24
    static let account: UInt8 = 25
    static let userID: UInt8 = 26
    static let tls: UInt8 = 27
    static let reportOn: UInt8 = 28
    static let forwarded: UInt8 = 29

    // Reserved: given out so that nothing else takes them before their feature comes.
    static let tenant: UInt8 = 30
    static let stream: UInt8 = 31
    static let campaign: UInt8 = 32
    static let label: UInt8 = 33
    static let metadata: UInt8 = 34
    static let egressPool: UInt8 = 35
    static let idempotencyKey: UInt8 = 36
    static let reserved: ClosedRange<UInt8> = tenant...idempotencyKey

    // Attempts and operations.
    static let attemptNumber: UInt8 = 40
    static let host: UInt8 = 41
    static let duration: UInt8 = 42
    static let result: UInt8 = 43
    static let noticesGiven: UInt8 = 44
    static let holdReason: UInt8 = 45
    static let report: UInt8 = 46
    static let action: UInt8 = 47
    static let recipientIndex: UInt8 = 48
    static let crashes: UInt8 = 49
    static let started: UInt8 = 50
    static let chunkIndex: UInt8 = 51
    static let finding: UInt8 = 52

    /// Tags within a recipient.
    enum Recipient {
        static let address: UInt8 = 1
        static let originalType: UInt8 = 2
        static let originalAddress: UInt8 = 3
        static let notify: UInt8 = 4
        static let parent: UInt8 = 5
        static let expanded: UInt8 = 6
        static let forwarded: UInt8 = 7
    }

    /// Tags within a finding.
    enum Finding {
        static let rule: UInt8 = 1
        static let effect: UInt8 = 2
        static let saw: UInt8 = 3
    }

    /// Tags within a host.
    enum Host {
        static let name: UInt8 = 1
        static let address: UInt8 = 2
        static let port: UInt8 = 3
        static let path: UInt8 = 4
        static let tls: UInt8 = 5
    }

    /// Tags within a result.
    enum Result {
        static let recipient: UInt8 = 1
        static let outcome: UInt8 = 2
        static let until: UInt8 = 3
        static let duty: UInt8 = 4
        static let status: UInt8 = 5
        static let replyCode: UInt8 = 6
        static let replyStatus: UInt8 = 7
        static let replyLine: UInt8 = 8
        static let explanation: UInt8 = 9
        static let bounceClass: UInt8 = 10
    }
}

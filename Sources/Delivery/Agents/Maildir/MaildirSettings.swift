/// How mail is put into Maildirs.
public struct MaildirSettings: Hashable, Sendable {
    /// Whether a mailbox that does not exist is made.
    public enum Creation: String, Hashable, Sendable, CaseIterable {
        /// At its first message.
        case whenMissing
        /// Never: mail to it bounces as to an unknown mailbox.
        case never
    }

    /// How lines end in the files.
    public var lineEnds: LineEnds
    /// Whether the case of ASCII letters in a local part tells mailboxes apart.
    public var letterCase: MailboxTemplate.LetterCase
    /// Whether missing mailboxes are made.
    public var creation: Creation
    /// What parts a mailbox from a tag in a local part, by domain as A-labels (RFC 5233).
    public var subaddressSeparators: [String: UInt8]
    /// Copies of one message that are written at a time: as many as there are threads for it.
    public var copiesAtOnce: Int
    /// This host, a part of the name of every file.
    public var hostName: String

    /// The documented defaults, on the host `hostName`.
    public init(hostName: String, lineEnds: LineEnds = .lf, letterCase: MailboxTemplate.LetterCase = .folded,
                creation: Creation = .whenMissing, subaddressSeparators: [String: UInt8] = [:],
                copiesAtOnce: Int = 4) {
        self.hostName = hostName
        self.lineEnds = lineEnds
        self.letterCase = letterCase
        self.creation = creation
        self.subaddressSeparators = subaddressSeparators
        self.copiesAtOnce = copiesAtOnce
    }
}

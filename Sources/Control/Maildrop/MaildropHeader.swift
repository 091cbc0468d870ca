/// The first line of a file in the maildrop: JSON; the message follows it.
struct MaildropHeader: Codable, Hashable, Sendable {
    /// Version of this format.
    var version = MaildropHeader.currentVersion
    /// The reverse-path without brackets; empty for the null one.
    var sender: String
    /// The recipients.
    var recipients: [String]
    /// NOTIFY.
    var notify: String?
    /// RET.
    var returnContent: String?
    /// ENVID.
    var envelopeID: String?
    /// Octets of the message: a file that holds fewer or more is damaged.
    var size: Int

    static let currentVersion = 1
    /// Longest first line.
    static let maxLength = 1 << 20
}

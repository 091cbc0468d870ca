import SMTP

extension Reply {
    // MARK: Limits (RFC 3463 §3.8, §3.3)

    /// The client, its network or the account has failed to authenticate too often.
    static let tooManyAuthFailures = Reply(421, .init(4, 7, 0), "Too many failed authentications, try again later")
    /// The client made too many errors in earlier sessions.
    static let tooManyErrorsBefore = Reply(421, .init(4, 7, 0), "Too many errors from your host, try again later")
    /// More messages than the sender, account or client may send in a time.
    static let tooManyMessagesInTime = Reply(450, .init(4, 7, 1), "Too many messages, try again later")
    /// The recipient gets more mail than it may.
    static let recipientBusy = Reply(450, .init(4, 2, 1), "Recipient gets too much mail, try again later")
    /// More recipients than the sender, account or client may name in a time.
    static let tooManyRecipientsInTime = Reply(452, .init(4, 5, 3), "Too many recipients, try again later")
    /// More octets than the sender, account or client may send in a time.
    static let tooMuchDataInTime = Reply(450, .init(4, 7, 1), "Too much data, try again later")
}

extension Reply {
    // MARK: Guessed recipients

    /// The client tries one unknown recipient after the other.
    static let tooManyUnknownRecipients = Reply(421, .init(4, 7, 0), "Too many unknown recipients, closing connection")
    /// The client did so a while ago.
    static let turnedAway = Reply(421, .init(4, 7, 0), "Too many unknown recipients from your host, try again later")
}

extension Reply {
    // MARK: Who the client is

    /// The client sent something before the greeting (RFC 5321 §3.1).
    static let spokeTooSoon = Reply(554, .init(5, 5, 0), "You spoke before you were greeted, goodbye")
    /// The client goes by a name or address of this host.
    static let ownNameInHello = Reply(550, .init(5, 7, 1), "That is my name, not yours")
    /// The address literal in EHLO is not the client's address.
    static let bogusHello = Reply(550, .init(5, 7, 1), "The address that you gave with EHLO is not yours")
    /// The name in EHLO has no dot.
    static let unqualifiedHello = Reply(550, .init(5, 7, 1), "The name that you gave with EHLO is not fully qualified")
    /// The name in EHLO is not in DNS.
    static let unresolvedHello = Reply(550, .init(5, 7, 1), "The name that you gave with EHLO is not in DNS")
    /// The client's address has no name (RFC 7372 §3.3 gives the code).
    static let noReverseName = Reply(550, .init(5, 7, 25), "Your address has no name in DNS")
    /// No name of the client's address leads back to it (RFC 7372 §3.3).
    static let unconfirmedReverseName = Reply(550, .init(5, 7, 25), "No name of your address leads back to it")
    /// The sender's own host does not take mail for the sender (RFC 3463 §3.2).
    static let senderRefusedByItsHost = Reply(550, .init(5, 1, 7), "Your address is refused by its own host")
}

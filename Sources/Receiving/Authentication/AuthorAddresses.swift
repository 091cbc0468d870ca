import MessageFormat
import SMTP

/// The authors of a message: the addresses in its From field (RFC 5322 §3.6.2).
enum AuthorAddresses {
    /// The addresses, none without a From field; nil when there are several fields, or one that cannot be read.
    static func read(_ header: [UInt8]) -> [EmailAddress]? {
        guard let section = try? HeaderSection(scanning: header) else { return nil }
        let fields = section.all(.from, in: header.span)
        guard let field = fields.first else { return [] }
        guard fields.count == 1, let addresses = try? AddressListParser().addresses(in: header[field.body]) else { return nil }
        let authors = addresses.flatMap(\.mailboxes).map(\.address)
        return authors.isEmpty ? nil : authors
    }
}

extension SessionDriver {
    /// Why the account may not be the author of a message with this header; nil when it may.
    func refusal(ofHeader header: [UInt8]) -> Reply? {
        guard let submission = policy.submission, submission.author != .off, let account else { return nil }
        let authors = AuthorAddresses.read(header)
        if let authors, authors.allSatisfy(account.senders.match) { return nil }
        let address = authors?.first { !account.senders.match($0) }
        note(.senderMismatch(SenderMismatch(account: account.name, address: address, place: .author), submission.author))
        return submission.author == .enforce ? .authorNotOwned : nil
    }
}

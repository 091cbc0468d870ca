import Events
import MailAuth
import MessageFormat

extension Cleanup {
    /// The signatures that the message is to get: those of its one author's domain, for mail that the relay answers for.
    func signatures(_ header: [UInt8], _ incoming: IncomingMessage, _ prefix: [UInt8]) -> SignatureOrder? {
        guard incoming.authorship == .own, let signing,
              let section = try? HeaderSection(scanning: header),
              let author = try? AuthorIdentity(of: section, in: header.span) else { return nil }
        let keys = signing.keys(for: author)
        guard !keys.isEmpty, let bodyHash = incoming.bodyHash ?? bodyHash(of: incoming, section, signing) else { return nil }
        // Our own Date and Message-ID are signed like the author's.
        guard let whole = try? MessageHeader(scanning: prefix + header[..<section.bodyStart]) else { return nil }
        return SignatureOrder(signer: signing.signer, keys: keys, header: whole, bodyHash: bodyHash, time: incoming.envelope.arrival)
    }

    private func bodyHash(of incoming: IncomingMessage, _ section: HeaderSection, _ signing: SigningRules) -> [UInt8]? {
        guard incoming.chunkedSize == 0 else { return nil }
        let digest = BodyDigest(signing.signer)
        digest.receive(incoming.body.dropFirst(section.bodyStart))
        return digest.finish()
    }
}

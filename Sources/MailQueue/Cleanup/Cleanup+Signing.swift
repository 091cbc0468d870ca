import Events
import MailAuth
import MessageFormat

extension Cleanup {
    /// The digest that a message needs whose body is not kept in memory; nil where it will be neither signed nor sealed.
    public func bodyDigest(of authorship: Authorship, isVerified: Bool) -> BodyDigest? {
        switch authorship {
        case .own: signing.map { BodyDigest($0.signer) }
        case .foreign: isVerified ? sealing.map { BodyDigest($0.sealer) } : nil
        }
    }

    /// The signatures that the message is to get: those of its one author's domain, for mail that the relay answers for.
    func signatures(_ header: [UInt8], _ incoming: IncomingMessage, _ prefix: [UInt8]) -> SignatureOrder? {
        guard incoming.authorship == .own, let signing,
              let section = try? HeaderSection(scanning: header),
              let author = try? AuthorIdentity(of: section, in: header.span) else { return nil }
        let keys = signing.keys(for: author)
        guard !keys.isEmpty else { return nil }
        return order(.signatures(signing.signer, keys), section, header, incoming, prefix)
    }

    /// The ARC set that the message is to get, because it goes on to hosts that cannot verify what was verified here.
    func seal(_ header: [UInt8], _ incoming: IncomingMessage, _ prefix: [UInt8], _ recipients: [Recipient]) -> SignatureOrder? {
        guard let sealing, let chain = incoming.chain, recipients.contains(where: { goesOn($0, sealing.scope) }),
              let section = try? HeaderSection(scanning: header), section.ending != .malformedLine else { return nil }
        return order(.seal(sealing.sealer, service: sealing.service, chain: chain), section, header, incoming, prefix)
    }

    private func goesOn(_ recipient: Recipient, _ scope: SealingRules.Scope) -> Bool {
        recipient.isForwarded || (scope == .relayed && !recipient.isExpanded && aliases.isRelayed(recipient.address))
    }

    private func order(_ kind: SignatureOrder.Kind, _ section: HeaderSection, _ header: [UInt8], _ incoming: IncomingMessage,
                       _ prefix: [UInt8]) -> SignatureOrder? {
        // Our own Date and Message-ID are signed like the author's.
        guard let bodyHash = incoming.bodyHash ?? bodyHash(of: incoming, section),
              let whole = try? MessageHeader(scanning: prefix + header[..<section.bodyStart]) else { return nil }
        return SignatureOrder(kind: kind, header: whole, bodyHash: bodyHash, time: incoming.envelope.arrival)
    }

    private func bodyHash(of incoming: IncomingMessage, _ section: HeaderSection) -> [UInt8]? {
        guard incoming.chunkedSize == 0,
              let digest = bodyDigest(of: incoming.authorship, isVerified: incoming.chain != nil) else { return nil }
        digest.receive(incoming.body.dropFirst(section.bodyStart))
        return digest.finish()
    }
}

import MessageFormat

/// Where a transaction stands, with what has been answered so far.
struct ClientExchange {
    /// The command that goes out next.
    enum Step: Equatable {
        case mail
        /// RCPT for the recipient at this place of `order`.
        case rcpt(Int)
        case data
        case allSent
    }

    let transaction: ClientTransaction
    /// Final answers; nil while undecided.
    var answers: [RecipientAnswer?]
    /// Indices of the recipients that this transaction names to the server.
    var order: [Int] = []
    /// Indices of the recipients that the server has accepted, in order.
    var accepted: [Int] = []
    var step = Step.mail
    var usesChunks = false
    var isMailAccepted = false
    /// Whether the last octet of the message has been given to the output.
    var isSent = false
    /// A chunk was refused: the rest of the replies mean nothing.
    var isAborted = false
    /// Replies still to come after the final dot or the last chunk.
    var finalReplies = 0

    /// Decides what can be decided without asking: which recipients this server can be given.
    init(_ transaction: ClientTransaction, capabilities: Capabilities, settings: ClientSettings) {
        self.transaction = transaction
        answers = Array(repeating: nil, count: transaction.recipients.count)
        usesChunks = transaction.body == .binaryMIME
        if let reply = unsuitability(capabilities, settings) {
            settle(.unsuitable(reply))
            return
        }
        let limits = capabilities.limits
        let limit = max(1, min(settings.maxRecipients, limits?.recipientsPerTransaction ?? .max))
        order.reserveCapacity(min(limit, transaction.recipients.count))
        var domains: Set<MailHost?> = []
        for (index, recipient) in transaction.recipients.enumerated() {
            if !capabilities.smtpUTF8, recipient.forwardPath.address?.isASCII == false {
                answers[index] = .unsuitable(.nextHopWithoutSMTPUTF8)
                continue
            }
            var fits = order.count < limit
            if fits, let domainLimit = limits?.domainsPerTransaction {
                let domain = recipient.forwardPath.address?.host
                fits = domains.contains(domain) || domains.count < max(1, domainLimit)
                if fits { domains.insert(domain) }
            }
            if fits { order.append(index) } else { answers[index] = .tooManyRecipients(nil) }
        }
    }

    /// Gives `answer` to every recipient that has none yet.
    mutating func settle(_ answer: RecipientAnswer) {
        for index in answers.indices where answers[index] == nil { answers[index] = answer }
    }

    /// Whether the message goes out as SMTPUTF8 (RFC 6531 §3.4).
    func usesSMTPUTF8(_ capabilities: Capabilities) -> Bool { transaction.smtpUTF8 && capabilities.smtpUTF8 }

    /// Why the message cannot go to this server at all; nil when it can.
    private func unsuitability(_ capabilities: Capabilities, _ settings: ClientSettings) -> Reply? {
        if transaction.requireTLS, !capabilities.requireTLS { return .nextHopWithoutREQUIRETLS }
        if case .octets(let limit) = capabilities.size, let size = transaction.size, size > limit {
            return .overSizeOfNextHop
        }
        if transaction.body == .binaryMIME, !(capabilities.binaryMIME && capabilities.chunking) {
            return .nextHopWithoutBINARYMIME
        }
        if transaction.body == .eightBitMIME, !capabilities.eightBitMIME, settings.eightBitHandling == .bounce {
            return .nextHopWithout8BITMIME
        }
        // Without SMTPUTF8 from the sender, 8-bit header fields are just bytes that were received.
        if !capabilities.smtpUTF8,
           !transaction.reversePath.isASCII || transaction.smtpUTF8 && transaction.hasEightBitHeader {
            return .nextHopWithoutSMTPUTF8
        }
        return nil
    }
}

extension Reply {
    /// The message is larger than the next hop's SIZE (RFC 1870 §6.2, RFC 3463 §3.4).
    static let overSizeOfNextHop = Reply(552, .init(5, 3, 4), "The message is larger than the next hop takes")
    /// The sender asked for REQUIRETLS and the next hop does not offer it under TLS (RFC 8689 §4.2.1, §8).
    public static let nextHopWithoutREQUIRETLS = Reply(550, .init(5, 7, 30), "REQUIRETLS support required")
    /// The message needs BINARYMIME and the next hop has not got it (RFC 3030 §3).
    static let nextHopWithoutBINARYMIME = Reply(554, .init(5, 6, 1), "The next hop does not take binary MIME messages")
    /// The message holds 8-bit data, the next hop lacks 8BITMIME (RFC 6152 §3).
    static let nextHopWithout8BITMIME = Reply(554, .init(5, 6, 3), "The next hop does not take 8-bit messages")
    /// The message or an address needs SMTPUTF8 and the next hop has not got it (RFC 6531 §3.5).
    static let nextHopWithoutSMTPUTF8 = Reply(553, .init(5, 6, 7), "The next hop does not take internationalized mail (SMTPUTF8)")
}

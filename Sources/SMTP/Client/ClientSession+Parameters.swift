import MessageFormat

extension ClientSession {
    /// MAIL with the parameters that the server knows (RFC 5321 §4.1.1.2).
    mutating func appendMAIL(_ exchange: ClientExchange) {
        let transaction = exchange.transaction
        output.append(contentsOf: "MAIL FROM:".utf8)
        transaction.reversePath.append(to: &output)
        if capabilities.size != .absent, let size = transaction.size {
            output.append(contentsOf: " SIZE=".utf8)
            output.appendDecimal(size)
        }
        switch transaction.body {
        case .sevenBit: break
        case .eightBitMIME: if capabilities.eightBitMIME { output.append(contentsOf: " BODY=8BITMIME".utf8) }
        case .binaryMIME: output.append(contentsOf: " BODY=BINARYMIME".utf8)
        }
        if exchange.usesSMTPUTF8(capabilities) { output.append(contentsOf: " SMTPUTF8".utf8) }
        if transaction.requireTLS { output.append(contentsOf: " REQUIRETLS".utf8) }
        if capabilities.dsn {
            if let content = transaction.returnContent {
                output.append(contentsOf: " RET=".utf8)
                output.append(contentsOf: content.keyword.utf8)
            }
            if let envelopeID = transaction.envelopeID {
                output.append(contentsOf: " ENVID=".utf8)
                XText.append(envelopeID, to: &output)
            }
        }
        output.append(contentsOf: [0x0d, 0x0a])
    }

    /// RCPT with the parameters that the server knows (RFC 5321 §4.1.1.3, RFC 3461 §5.2.1).
    mutating func appendRCPT(_ recipient: ClientRecipient) {
        output.append(contentsOf: "RCPT TO:".utf8)
        recipient.forwardPath.append(to: &output)
        if capabilities.dsn {
            if let notify = recipient.parameters.notify {
                output.append(contentsOf: " NOTIFY=".utf8)
                output.append(contentsOf: notify.wire.utf8)
            }
            if let original = recipient.parameters.originalRecipient {
                output.append(contentsOf: " ORCPT=".utf8)
                original.append(to: &output, allowingUTF8: capabilities.smtpUTF8)
            }
        }
        output.append(contentsOf: [0x0d, 0x0a])
    }
}

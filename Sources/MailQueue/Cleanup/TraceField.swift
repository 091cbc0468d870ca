import Events
import MessageFormat
import Ports

/// The Received field that Baton puts in front of a message (RFC 5321 §4.4).
///
///     Received: from client.example (name.example [192.0.2.1])
///         by mx.example with ESMTPS (TLSv1.3) id 000010000001A
///         for <bob@b.example>; Sat, 21 Nov 2026 18:59:15 +0000
enum TraceField {
    /// Appends the field for a message to `bytes`.
    static func append(id: QueueID, envelope: Envelope, settings: CleanupSettings, to bytes: inout [UInt8]) {
        bytes.append("Received: ")
        let showsClient = settings.clientInTrace == .shown || envelope.origin.account == nil
        if showsClient, envelope.origin.clientAddress != nil || envelope.origin.helo != nil {
            appendFrom(envelope.origin, to: &bytes)
            bytes.append("\r\n\t")
        }
        bytes.append("by ")
        bytes.append(contentsOf: settings.hostName.ascii.utf8)
        if let userID = envelope.origin.userID, envelope.origin.clientAddress == nil {
            bytes.append(contentsOf: " (from userid \(userID))".utf8)
        }
        if let transmission = envelope.origin.transmission {
            bytes.append(" with ")
            append(untrusted: transmission, to: &bytes)
        }
        if let tls = envelope.origin.tls {
            bytes.append(" (")
            append(untrusted: tls, to: &bytes)
            bytes.append(UInt8(ascii: ")"))
        }
        bytes.append(" id ")
        id.write(to: &bytes)
        appendRecipient(envelope, to: &bytes)
        bytes.append("; ")
        DateTime.append(envelope.arrival, to: &bytes)
        bytes.append("\r\n")
    }

    private static func appendFrom(_ origin: Origin, to bytes: inout [UInt8]) {
        bytes.append("from ")
        append(untrusted: origin.helo ?? "unknown", to: &bytes)
        guard let address = origin.clientAddress else { return }
        bytes.append(" (")
        if let name = origin.clientName {
            append(untrusted: name, to: &bytes)
            bytes.append(0x20)
        }
        bytes.append("[")
        if case .v6 = address { bytes.append("IPv6:") }
        address.append(to: &bytes)
        bytes.append("])")
    }

    /// Names the recipient where there is one only: with several, each would learn of the others (RFC 5321 §7.6).
    private static func appendRecipient(_ envelope: Envelope, to bytes: inout [UInt8]) {
        guard envelope.recipients.count == 1, envelope.recipients[0].address.isASCII || envelope.smtpUTF8 else { return }
        bytes.append("\r\n\tfor <")
        envelope.recipients[0].address.append(to: &bytes)
        bytes.append(UInt8(ascii: ">"))
    }

    /// A HELO name has at most 255 octets; a longer one is nobody's name.
    private static let maxNameOctets = 255

    /// Appends text from the client; what could end a comment or the field becomes `?`.
    private static func append(untrusted text: String, to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        if bytes.count - start > maxNameOctets { bytes.removeLast(bytes.count - start - maxNameOctets) }
        let end = bytes.count
        bytes.withUnsafeMutableBufferPointer { buffer in
            for index in start..<end {
                switch buffer[index] {
                case 0x00...0x20, 0x7f...0xff, UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "\\"), UInt8(ascii: ";"),
                     UInt8(ascii: "<"), UInt8(ascii: ">"):
                    buffer[index] = UInt8(ascii: "?")
                default: break
                }
            }
        }
    }
}

extension [UInt8] {
    /// Appends text that is part of the program.
    fileprivate mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}

import Events
import MessageFormat
import Ports

/// The Received field that Baton puts in front of a message (RFC 5321 §4.4).
///
///     Received: from client.example (name.example [192.0.2.1])
///         by mx.example with ESMTPS (TLSv1.3) id 000010000001A
///         for <bob@b.example>; Sat, 21 Nov 2026 18:59:15 +0000
struct TraceField {
    private let id: QueueID
    private let envelope: Envelope
    private let settings: CleanupSettings

    init(id: QueueID, envelope: Envelope, settings: CleanupSettings) {
        self.id = id
        self.envelope = envelope
        self.settings = settings
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "Received: ".utf8)
        if showsClient {
            appendFrom(to: &bytes)
            bytes.append(contentsOf: "\r\n\t".utf8)
        }
        bytes.append(contentsOf: "by ".utf8)
        bytes.append(contentsOf: settings.hostName.ascii.utf8)
        if let userID = envelope.origin.userID, envelope.origin.clientAddress == nil {
            bytes.append(contentsOf: " (from userid \(userID))".utf8)
        }
        if let transmission = envelope.origin.transmission {
            bytes.append(contentsOf: " with ".utf8)
            TraceField.append(transmission, to: &bytes)
        }
        if let tls = envelope.origin.tls {
            bytes.append(contentsOf: " (".utf8)
            TraceField.append(tls, to: &bytes)
            bytes.append(UInt8(ascii: ")"))
        }
        bytes.append(contentsOf: " id ".utf8)
        id.write(to: &bytes)
        appendRecipient(to: &bytes)
        bytes.append(contentsOf: "; ".utf8)
        DateTime.append(envelope.arrival, to: &bytes)
        bytes.append(contentsOf: [0x0d, 0x0a])
    }

    private var showsClient: Bool {
        guard envelope.origin.clientAddress != nil || envelope.origin.helo != nil else { return false }
        return settings.clientInTrace == .shown || envelope.origin.account == nil
    }

    private func appendFrom(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "from ".utf8)
        TraceField.append(envelope.origin.helo ?? "unknown", to: &bytes)
        guard let address = envelope.origin.clientAddress else { return }
        bytes.append(contentsOf: " (".utf8)
        if let name = envelope.origin.clientName {
            TraceField.append(name, to: &bytes)
            bytes.append(0x20)
        }
        if case .v6 = address { bytes.append(contentsOf: "[IPv6:".utf8) } else { bytes.append(UInt8(ascii: "[")) }
        bytes.append(contentsOf: address.description.utf8)
        bytes.append(contentsOf: "])".utf8)
    }

    /// Names the recipient where there is one only: with several, each would learn of the others (RFC 5321 §7.6).
    private func appendRecipient(to bytes: inout [UInt8]) {
        guard envelope.recipients.count == 1, let address = envelope.recipients.first?.address,
              address.isASCII || envelope.smtpUTF8 else { return }
        bytes.append(contentsOf: "\r\n\tfor <".utf8)
        address.append(to: &bytes)
        bytes.append(UInt8(ascii: ">"))
    }

    /// Appends text from the client; what could end a comment or the field becomes `?`.
    private static func append(_ text: String, to bytes: inout [UInt8]) {
        let start = bytes.count
        // A HELO name has at most 255 octets; a longer one is nobody's name.
        bytes.append(contentsOf: text.utf8.prefix(255))
        for index in start..<bytes.count {
            switch bytes[index] {
            case 0x00...0x20, 0x7f...0xff: bytes[index] = UInt8(ascii: "?")
            case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "\\"), UInt8(ascii: ";"), UInt8(ascii: "<"), UInt8(ascii: ">"):
                bytes[index] = UInt8(ascii: "?")
            default: break
            }
        }
    }
}

import NIOCore

/// A fatal alert that is sent before there is a TLS engine (RFC 8446 §6.2).
enum TLSAlert: UInt8 {
    case decodeError = 50
    case unrecognizedName = 112
    case noApplicationProtocol = 120

    /// The alert as a record.
    var record: ByteBuffer { ByteBuffer(bytes: [21, 3, 3, 0, 2, 2, rawValue]) }
}

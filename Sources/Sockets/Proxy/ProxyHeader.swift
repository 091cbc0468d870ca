import Ports

/// The PROXY protocol header (versions 1 and 2) that a load balancer sends before the client's bytes.
///
/// Whether a peer may send one is for the caller to decide, before a byte is parsed.
public struct ProxyHeader: Hashable, Sendable {
    /// The ends of the connection that the balancer forwards.
    public struct Addresses: Hashable, Sendable {
        /// The client.
        public var source: SocketEndpoint
        /// What the client connected to.
        public var destination: SocketEndpoint

        /// The two ends.
        public init(source: SocketEndpoint, destination: SocketEndpoint) {
            self.source = source
            self.destination = destination
        }
    }

    /// The forwarded ends; nil when the socket's own hold: health checks (`LOCAL`), `UNKNOWN`, all but TCP over IP.
    public var addresses: Addresses?
    /// How many bytes of the input the header takes.
    public var length: Int

    /// What a parse of the first bytes of a connection gives.
    public enum ParseResult: Hashable, Sendable {
        /// A header has begun and more bytes are needed.
        case incomplete
        /// These bytes are no header: the connection must be dropped.
        case invalid(Invalidity)
        /// A whole header.
        case complete(ProxyHeader)
    }

    /// What is wrong with a header.
    public enum Invalidity: Hashable, Sendable {
        /// It does not begin like a header of either version.
        case signature
        /// No CRLF within 107 octets (version 1), or fields missing, too many or not separated by one space.
        case line
        /// The command, version or protocol is not one of the specification.
        case command
        /// An address is missing, or not one of the family named.
        case address
        /// A port is missing or out of range.
        case port
        /// The length does not hold what the header declares, or exceeds the limit.
        case length
        /// A field after the addresses is cut off.
        case field
        /// The CRC32C field does not match.
        case checksum
    }

    /// Most octets of a version 1 header, CRLF included.
    public static let maxLineLength = 107
    /// Most octets of a version 2 header after its first 16; what balancers send stays far below.
    public static let maxBinaryLength = 4096

    /// Parses the header at the start of `bytes`.
    public static func parse(_ bytes: UnsafeRawBufferPointer) -> ParseResult {
        guard let first = bytes.first else { return .incomplete }
        switch first {
        case UInt8(ascii: "P"): return parseLine(bytes)
        case binarySignature[0]: return parseBinary(bytes)
        default: return .invalid(.signature)
        }
    }
}

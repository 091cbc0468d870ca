import Glibc
import NIOCore
import Ports

extension SocketEndpoint {
    /// The endpoint of an address that NIO tells.
    init?(_ address: SocketAddress?) {
        guard let address else { return nil }
        if case .unixDomainSocket = address {
            self = .unix(path: address.pathname ?? "")
            return
        }
        guard let endpoint = address.withSockAddr({
            SocketEndpoint(systemAddress: UnsafeRawBufferPointer(start: $0, count: $1))
        }) else { return nil }
        self = endpoint
    }

    /// The endpoint that the bytes of a `sockaddr_in`, `sockaddr_in6` or `sockaddr_un` stand for; nil for other families.
    init?(systemAddress bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 2 else { return nil }
        switch CInt(bytes.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET:
            guard bytes.count >= 8 else { return nil }
            let bits = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            self = .ip(.v4(bits), port: UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
        case AF_INET6:
            guard bytes.count >= 24 else { return nil }
            let high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
            self = .ip(IPAddress.v6(high: high, low: low).unmapped,
                       port: UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
        case AF_UNIX:
            self = .unix(path: String(decoding: bytes.dropFirst(2).prefix { $0 != 0 }, as: UTF8.self))
        default:
            return nil
        }
    }

    /// The address for a system call; nil for a path that does not fit into one.
    var socketAddress: SocketAddress? {
        var packed = ByteBuffer()
        switch self {
        case .ip(.v4(let bits), let port):
            packed.writeInteger(bits)
            return try? SocketAddress(packedIPAddress: packed, port: Int(port))
        case .ip(.v6(let high, let low), let port):
            packed.writeInteger(high)
            packed.writeInteger(low)
            return try? SocketAddress(packedIPAddress: packed, port: Int(port))
        case .unix(let path):
            return try? SocketAddress(unixDomainSocketPath: path)
        }
    }
}

import Glibc
import Synchronization

/// A name server on a loopback UDP port that answers by a rule.
final class LoopbackNameServer: Sendable {
    /// What to answer.
    struct Response: Sendable {
        var code: UInt8 = 0
        /// Data of records of the type that was asked for, at the name that was asked for.
        var records: [[UInt8]] = []
        var timeToLive: UInt32 = 300
    }

    typealias Rule = @Sendable (_ name: String, _ type: UInt16) -> Response?

    let port: UInt16
    private let socket: Int32
    private let rule: Rule
    private let asked = Mutex<[String]>([])

    /// The questions so far, as `name type`.
    var questions: [String] { asked.withLock { $0 } }

    init(_ rule: @escaping Rule) throws {
        self.rule = rule
        socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = socket
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        struct NoPort: Error {}
        guard isBound else { throw NoPort() }
        port = UInt16(bigEndian: address.sin_port)
        var thread = pthread_t()
        let opaque = Unmanaged.passRetained(self).toOpaque()
        pthread_create(&thread, nil, { opaque in
            if let opaque { Unmanaged<LoopbackNameServer>.fromOpaque(opaque).takeRetainedValue().serve() }
            return nil
        }, opaque)
        pthread_detach(thread)
    }

    /// Ends the server's thread.
    func stop() { shutdown(socket, Int32(SHUT_RDWR)) }

    private func serve() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            var peer = sockaddr()
            var length = socklen_t(MemoryLayout<sockaddr>.size)
            let count = recvfrom(socket, &buffer, buffer.count, 0, &peer, &length)
            guard count > 12 else { break }
            guard let response = respond(to: Array(buffer[..<count])) else { continue }
            sendto(socket, response, response.count, 0, &peer, length)
        }
        close(socket)
    }

    private func respond(to query: [UInt8]) -> [UInt8]? {
        var position = 12
        var labels: [String] = []
        while query[position] != 0 {
            let end = position + 1 + Int(query[position])
            labels.append(String(decoding: query[(position + 1)..<end], as: UTF8.self).lowercased())
            position = end
        }
        let question = Array(query[12..<(position + 5)])
        let type = UInt16(query[position + 1]) << 8 | UInt16(query[position + 2])
        let name = labels.joined(separator: ".")
        asked.withLock { $0.append("\(name) \(type)") }
        guard let response = rule(name, type) else { return nil }
        var bytes = Array(query[0..<2]) + [0x81, 0x80 | response.code, 0, 1, 0, UInt8(response.records.count), 0, 0, 0, 0] + question
        for data in response.records {
            bytes += [0xc0, 0x0c, UInt8(type >> 8), UInt8(type & 255), 0, 1]
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: response.timeToLive >> (24 - 8 * $0)) }
            bytes += [UInt8(data.count >> 8), UInt8(data.count & 255)] + data
        }
        return bytes
    }
}

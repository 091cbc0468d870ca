import Ports

/// A connection that keeps what was written.
final class FakeStream: Connection {
    let loop: any Loop = VirtualLoop()
    let localEndpoint = SocketEndpoint.ip(.loopback, port: 80)
    let remoteEndpoint = SocketEndpoint.ip(.loopback, port: 40_000)
    let peerUserID: UInt32? = nil
    let isCongested = false
    private(set) var written: [UInt8] = []

    func write(_ bytes: [UInt8]) { written += bytes }
    func write(_ bytes: ArraySlice<UInt8>) { written += bytes }
    func flush() {}
    func setReading(_ reading: Bool) {}
    func close() {}
    func abort() {}
    func startTLS(_ role: TLSRole, timeout: Duration, received: [UInt8]) {}
}

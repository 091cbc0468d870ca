import Ports

/// One end of a stream through the simulated network.
///
/// Bytes leave at `flush`, in pieces that arrive one after the other, never out of order. An end
/// that dies with its process answers what arrives later with a reset, as a host does that has
/// forgotten a connection.
final class SimulatedConnection: Connection, @unchecked Sendable {
    private enum State {
        case opening
        case open
        case closed
        /// The process is gone without a word.
        case lost
    }

    /// What arrives at an end.
    private enum Piece {
        case bytes([UInt8])
        case hello(SimulatedHandshake.Hello)
    }

    /// Bytes that may be under way before the sender is asked to wait.
    private static let window = 64 * 1024

    let simulatedLoop: SimulatedLoop
    let localEndpoint: SocketEndpoint
    let remoteEndpoint: SocketEndpoint
    var peerUserID: UInt32? { if case .unix = localEndpoint { 1000 } else { nil } }
    var fate: LinkFate

    private let network: SimulatedNetwork
    private var handler: (any ConnectionHandler)?
    private var peer: SimulatedConnection?
    private var state = State.opening
    private var outgoing: [UInt8] = []
    private var sent = 0
    private var underWay = 0
    private var wasCongested = false
    private var lastArrival = Timestamp.distantPast
    private var isReading = true
    private var inbox: [Piece] = []
    private var handshake: SimulatedHandshake?
    private var hasEnded = false
    private var isSilent = false
    private var mortal = 0
    private let whereabouts = Whereabouts<SimulatedConnection>()

    init(_ network: SimulatedNetwork, loop: SimulatedLoop, local: SocketEndpoint, remote: SocketEndpoint) {
        self.network = network
        simulatedLoop = loop
        localEndpoint = local
        remoteEndpoint = remote
        fate = LinkFate(NetworkWeather(), network.random)
        whereabouts.object = self
        mortal = loop.process.atDeath { [whereabouts] in whereabouts.object?.processDied() }
    }

    deinit {
        whereabouts.object = nil
        simulatedLoop.process.forget(mortal)
    }

    var loop: any Loop { simulatedLoop }
    var isCongested: Bool { underWay + outgoing.count > Self.window }

    // MARK: Beginning

    func prepare(_ handler: any ConnectionHandler) { self.handler = handler }

    func join(_ peer: SimulatedConnection) {
        self.peer = peer
        peer.peer = self
    }

    /// Opens the end that was called.
    func open(_ handler: any ConnectionHandler) {
        self.handler = handler
        openCaller()
    }

    /// Opens the end that called, or closes it where the stream broke meanwhile.
    func openCaller() {
        guard state == .opening else { return }
        state = .open
        handler?.opened(self)
        takeInbox()
    }

    // MARK: Writing

    func write(_ bytes: [UInt8]) {
        if state == .open { outgoing += bytes }
    }

    func write(_ bytes: ArraySlice<UInt8>) {
        if state == .open { outgoing += bytes }
    }

    func flush() {
        guard state == .open, !outgoing.isEmpty else { return }
        let bytes = outgoing
        outgoing = []
        underWay += bytes.count
        wasCongested = wasCongested || isCongested
        var start = 0
        while start < bytes.count {
            let end = min(start + pieceSize(left: bytes.count - start), bytes.count)
            send(Array(bytes[start..<end]))
            start = end
        }
    }

    private func pieceSize(left: Int) -> Int {
        // Byte by byte for a while: more of the same would only take long.
        if let range = fate.byteWise {
            if range.contains(sent) { return 1 }
            if sent < range.lowerBound { return min(left, range.lowerBound - sent) }
        }
        return network.random.chance(0.85) ? left : network.random.number(in: 1...max(left, 1))
    }

    private func send(_ piece: [UInt8]) {
        sent += piece.count
        if let limit = fate.silentAfter, sent > limit, !isSilent {
            network.count("half-open connection")
            goSilent()
        }
        if let limit = fate.resetAfter, sent > limit {
            fate.resetAfter = nil
            network.count("connection reset")
            at(nextArrival()) { end, peer in
                end.broke(.reset)
                peer?.broke(.reset)
            }
            return
        }
        if isSilent { return }
        if fate.byteWise?.lowerBound == sent - 1 { network.count("one byte at a time") }
        if fate.pauseBetweenPieces > .zero, sent == piece.count { network.count("tarpit") }
        // The beginning tells one history from another well enough.
        network.simulator.record(piece.prefix(32).reduce(UInt64(piece.count)) { $0 &* 31 &+ UInt64($1) })
        at(nextArrival()) { end, peer in
            guard let peer else { return }
            peer.arrived(.bytes(piece), from: end)
        }
    }

    private func goSilent() {
        isSilent = true
        peer?.isSilent = true
    }

    private func nextArrival() -> Timestamp {
        let arrival = network.simulator.now + network.random.duration(in: fate.latency) + fate.pauseBetweenPieces
        lastArrival = max(arrival, lastArrival)
        return lastArrival
    }

    /// Runs `event` in the network at `moment`; the ends then go on on their own loops.
    private func at(_ moment: Timestamp, _ event: @escaping (SimulatedConnection, SimulatedConnection?) -> Void) {
        network.simulator.schedule(at: moment) { event(self, self.peer) }
    }

    // MARK: Reading

    func setReading(_ reading: Bool) {
        guard reading != isReading else { return }
        isReading = reading
        if reading, !inbox.isEmpty || hasEnded { simulatedLoop.execute { self.takeInbox() } }
    }

    private func arrived(_ piece: Piece, from sender: SimulatedConnection) {
        if state == .lost || state == .closed {
            // Nobody is there any more: the host answers with a reset.
            sender.at(sender.network.simulator.now + sender.fate.latency.lowerBound) { sender, _ in sender.broke(.reset) }
            return
        }
        simulatedLoop.execute {
            self.inbox.append(piece)
            self.takeInbox()
        }
    }

    private func takeInbox() {
        guard state == .open else { return }
        while isReading || handshake != nil, state == .open, !inbox.isEmpty {
            switch inbox.removeFirst() {
            case .hello(let hello): take(hello)
            case .bytes(let bytes):
                if handshake == nil {
                    bytes.withUnsafeBytes { handler?.received($0) }
                } else {
                    failTLS(.handshake("clear text in place of a handshake"))
                }
                peer?.wasRead(bytes.count)
            }
        }
        guard isReading, state == .open, inbox.isEmpty, handshake == nil else { return }
        handler?.receivedAll()
        if hasEnded, state == .open, isReading { end(nil) }
    }

    private func wasRead(_ count: Int) {
        underWay -= count
        guard wasCongested, underWay + outgoing.count <= Self.window / 2 else { return }
        wasCongested = false
        simulatedLoop.execute { if self.state == .open { self.handler?.writable() } }
    }

    // MARK: TLS

    func startTLS(_ role: TLSRole, timeout: Duration, received: [UInt8]) {
        guard state == .open, handshake == nil else { return }
        flush()
        // What came in the clear is dropped; the hello of a peer that was faster is not clear text.
        inbox.removeAll { if case .bytes(let bytes) = $0 { peer?.wasRead(bytes.count); return true } else { return false } }
        let timer = simulatedLoop.schedule(at: simulatedLoop.now + timeout) { self.failTLS(.timedOut) }
        let handshake = SimulatedHandshake(role, timer: timer)
        self.handshake = handshake
        if let opening = handshake.opening { say(fate.handshake == .fails ? .alert : opening) }
        simulatedLoop.execute { self.takeInbox() }
    }

    private func say(_ hello: SimulatedHandshake.Hello) {
        if fate.handshake == .hangs {
            network.count("TLS handshake that hangs")
            return goSilent()
        }
        if case .alert = hello { network.count("TLS handshake that fails") }
        guard !isSilent else { return }
        at(nextArrival()) { end, peer in peer?.arrived(.hello(hello), from: end) }
    }

    private func take(_ hello: SimulatedHandshake.Hello) {
        // Without a handshake at this end it is nothing that the handler could read.
        guard let handshake else { return broke(.reset) }
        let (result, answer) = handshake.result(of: hello)
        if let answer { say(answer) }
        switch result {
        case .failure(let failure): failTLS(failure)
        case .success(let summary):
            handshake.timer.cancel()
            self.handshake = nil
            handler?.tlsEstablished(summary)
        }
    }

    private func failTLS(_ failure: TLSFailure) {
        guard state == .open, let handshake else { return }
        handshake.timer.cancel()
        self.handshake = nil
        handler?.tlsFailed(failure)
        abort()
    }

    // MARK: Ending

    func close() {
        guard state == .open || state == .opening else { return }
        flush()
        leave { peer in
            peer.simulatedLoop.execute {
                peer.hasEnded = true
                peer.takeInbox()
            }
        }
    }

    func abort() {
        guard state == .open || state == .opening else { return }
        outgoing = []
        leave { $0.broke(.reset) }
    }

    /// Ends this side, and the other when the news gets there.
    private func leave(_ tell: @escaping (SimulatedConnection) -> Void) {
        state = .closed
        let isHeard = !isSilent
        at(nextArrival()) { _, peer in
            if isHeard, let peer { tell(peer) }
        }
        simulatedLoop.execute { self.sayClosed(nil) }
    }

    /// The stream broke: what was under way is lost.
    private func broke(_ error: ConnectionError) {
        guard state == .open || state == .opening else { return }
        simulatedLoop.execute { self.end(error) }
    }

    private func end(_ error: ConnectionError?) {
        guard state == .open else {
            // Broken before it was open: the opening comes first, then the end.
            if state == .opening { simulatedLoop.execute { self.end(error) } }
            return
        }
        state = .closed
        sayClosed(error)
    }

    private func sayClosed(_ error: ConnectionError?) {
        let last = handler
        handler = nil
        simulatedLoop.process.forget(mortal)
        last?.closed(error)
        part()
    }

    /// Lets go of the other end once both are over, or each would keep the other for ever.
    private func part() {
        guard let peer, isOver, peer.isOver else { return }
        peer.peer = nil
        self.peer = nil
    }

    private var isOver: Bool { state == .closed || state == .lost }

    private func processDied() {
        guard state == .open || state == .opening else { return }
        state = .lost
        handler = nil
        inbox = []
        defer { part() }
        guard !isSilent else { return }
        // A kernel closes the streams of a process that died; a machine without power says nothing.
        if network.random.chance(0.7) { at(nextArrival()) { _, peer in peer?.broke(.reset) } }
    }
}

import Ports

/// The network between the processes of a simulated world.
public final class SimulatedNetwork: @unchecked Sendable {
    /// How well it works; connections that exist keep the fate that they drew.
    public var weather = NetworkWeather()
    /// How often each kind of fault has come up.
    public private(set) var faults: [String: Int] = [:]
    let simulator: Simulator
    let random: SeededRandom
    private var listeners: [SocketEndpoint: Listener] = [:]
    private var lastPort: UInt16 = 1024

    private struct Listener {
        let process: SimulatedProcess
        let loop: () -> SimulatedLoop
        let accept: (any Loop) -> any ConnectionHandler
    }

    /// A network that draws its faults from the seed of the world.
    public init(_ simulator: Simulator) {
        self.simulator = simulator
        random = simulator.random.fork()
    }

    /// Takes connections at `endpoint` until the process dies; each is confined to one of `loops`.
    public func listen(on endpoint: SocketEndpoint, process: SimulatedProcess, loops: [SimulatedLoop],
                       accept: @escaping (any Loop) -> any ConnectionHandler) {
        let random = random
        listeners[endpoint] = Listener(process: process, loop: { random.element(of: loops) }, accept: accept)
        process.atDeath { [weak self] in self?.listeners[endpoint] = nil }
    }

    /// Takes no more connections at `endpoint`.
    public func stopListening(on endpoint: SocketEndpoint) { listeners[endpoint] = nil }

    /// The way out for a process whose address is `address`.
    public func dialer(for process: SimulatedProcess, address: IPAddress) -> SimulatedDialer {
        SimulatedDialer(self, process: process, address: address)
    }

    func count(_ fault: String) { faults[fault, default: 0] += 1 }

    func connect(_ caller: SimulatedConnection, to endpoint: SocketEndpoint, timeout: Duration,
                 failed: @escaping (ConnectionError) -> Void) {
        let deadline = caller.simulatedLoop.now + timeout
        func fail(_ error: ConnectionError, after delay: Duration) {
            caller.simulatedLoop.scheduleFromOutside(at: caller.simulatedLoop.now + delay) { [failed = LoopFree(failed)] in
                failed.value(error)
            }
        }
        if random.chance(weather.unanswered) {
            count("connection unanswered")
            caller.simulatedLoop.scheduleFromOutside(at: deadline) { [failed = LoopFree(failed)] in failed.value(.timedOut) }
            return
        }
        let delay = random.duration(in: weather.latency)
        guard let listener = listeners[endpoint], listener.process.isAlive else { return fail(.refused, after: delay) }
        if random.chance(weather.refused) {
            count("connection refused")
            return fail(random.chance(0.5) ? .refused : .unreachable, after: delay)
        }
        let loop = listener.loop()
        let called = SimulatedConnection(self, loop: loop, local: endpoint, remote: caller.localEndpoint)
        called.fate = LinkFate(weather, random)
        caller.fate = LinkFate(weather, random)
        caller.join(called)
        let accept = LoopFree(listener.accept)
        loop.execute { called.open(accept.value(loop)) }
        caller.simulatedLoop.scheduleFromOutside(at: caller.simulatedLoop.now + delay) { caller.openCaller() }
    }

    func nextPort() -> UInt16 {
        lastPort = lastPort == .max ? 1025 : lastPort + 1
        return lastPort
    }
}

/// A value that is used on one thread only, carried through a sendable closure.
struct LoopFree<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// Opens connections from one address of the simulated network.
public final class SimulatedDialer: Dialer, @unchecked Sendable {
    private let network: SimulatedNetwork
    private let process: SimulatedProcess
    private let address: IPAddress

    init(_ network: SimulatedNetwork, process: SimulatedProcess, address: IPAddress) {
        self.network = network
        self.process = process
        self.address = address
    }

    public func dial(_ endpoint: SocketEndpoint, from source: IPAddress?, timeout: Duration, on loop: any Loop,
                     handler: any ConnectionHandler, failed: @escaping (ConnectionError) -> Void) {
        guard let loop = loop as? SimulatedLoop else { preconditionFailure("a simulated dialer needs a simulated loop") }
        let local = SocketEndpoint.ip(source ?? address, port: network.nextPort())
        let connection = SimulatedConnection(network, loop: loop, local: local, remote: endpoint)
        connection.prepare(handler)
        network.connect(connection, to: endpoint, timeout: timeout, failed: failed)
    }
}

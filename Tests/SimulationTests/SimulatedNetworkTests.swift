import BatonTesting
import Ports
import Testing

@Suite("Simulation: network")
struct SimulatedNetworkTests {
    /// Two processes, one of which listens.
    final class World: @unchecked Sendable {
        let simulator: Simulator
        let network: SimulatedNetwork
        let client: SimulatedProcess
        let server: SimulatedProcess
        let endpoint = SocketEndpoint.ip(.v4(0xc000_0201), port: 25)
        let clientLoop: SimulatedLoop
        let clientEnd = Recorder()
        let serverEnd = Recorder()
        var failure: ConnectionError?

        init(seed: UInt64, _ weather: NetworkWeather = NetworkWeather(), listens: Bool = true) {
            simulator = Simulator(seed: seed)
            network = SimulatedNetwork(simulator)
            network.weather = weather
            client = SimulatedProcess("client", in: simulator)
            server = SimulatedProcess("server", in: simulator)
            clientLoop = client.makeLoop()
            let serverEnd = serverEnd
            if listens { network.listen(on: endpoint, process: server, loops: [server.makeLoop()]) { _ in serverEnd } }
        }

        func dial() {
            let dialer = network.dialer(for: client, address: .v4(0xc000_0202))
            clientLoop.execute {
                dialer.dial(self.endpoint, from: nil, timeout: .seconds(30), on: self.clientLoop, handler: self.clientEnd) {
                    self.failure = $0
                }
            }
        }
    }

    final class Recorder: ConnectionHandler, @unchecked Sendable {
        var connection: (any Connection)?
        var bytes: [UInt8] = []
        var pieces = 0
        var closed: [ConnectionError?] = []
        var writableCalls = 0
        var atOpen: ((any Connection) -> Void)?

        func opened(_ connection: any Connection) {
            #expect(connection.loop.isCurrent)
            self.connection = connection
            atOpen?(connection)
        }
        func received(_ received: UnsafeRawBufferPointer) {
            #expect(closed.isEmpty)
            bytes += received
            pieces += 1
        }
        func receivedAll() {}
        func writable() { writableCalls += 1 }
        func closed(_ error: ConnectionError?) {
            connection = nil
            closed.append(error)
        }
    }

    static let text = (0..<3000).map { UInt8(truncatingIfNeeded: $0) }

    @Test("bytes arrive whole and in order, then the end", arguments: 1...20)
    func stream(seed: Int) {
        var weather = NetworkWeather()
        weather.byteWise = seed % 2 == 0 ? 1 : 0
        let world = World(seed: UInt64(seed), weather)
        world.clientEnd.atOpen = { connection in
            connection.write(Self.text)
            connection.flush()
            connection.write(Self.text[100...])
            connection.close()
        }
        world.dial()
        while world.simulator.step() {}
        #expect(world.serverEnd.bytes == Self.text + Self.text[100...])
        #expect(world.serverEnd.closed == [nil])
        #expect(world.clientEnd.closed == [nil])
        if seed % 2 == 0 { #expect(world.serverEnd.pieces >= 60) }
    }

    @Test("nobody listens: refused; no answer: timed out")
    func failures() {
        let closed = World(seed: 1, listens: false)
        closed.dial()
        while closed.simulator.step() {}
        #expect(closed.failure == .refused)
        var weather = NetworkWeather()
        weather.unanswered = 1
        let silent = World(seed: 1, weather)
        let start = silent.simulator.now
        silent.dial()
        while silent.simulator.step() {}
        #expect(silent.failure == .timedOut)
        #expect(silent.simulator.now - start >= .seconds(30))
    }

    @Test("a reset reaches both ends, once")
    func reset() {
        var weather = NetworkWeather()
        weather.reset = 1
        var resets = 0
        for seed in 1...20 {
            let world = World(seed: UInt64(seed), weather)
            world.clientEnd.atOpen = { connection in
                for _ in 0..<10 { connection.write(Self.text); connection.flush() }
            }
            world.dial()
            while world.simulator.step() {}
            #expect(world.serverEnd.closed.count <= 1)
            #expect(world.clientEnd.closed == world.serverEnd.closed)
            if world.serverEnd.closed == [.reset] { resets += 1 }
            #expect((Self.text + Self.text + Self.text + Self.text + Self.text + Self.text + Self.text
                + Self.text + Self.text + Self.text).starts(with: world.serverEnd.bytes))
        }
        #expect(resets == 20)
    }

    @Test("a half-open connection falls silent, and neither end hears of it")
    func halfOpen() {
        var weather = NetworkWeather()
        weather.halfOpen = 1
        let world = World(seed: 2, weather)
        world.clientEnd.atOpen = { connection in
            for _ in 0..<10 { connection.write(Self.text); connection.flush() }
            connection.close()
        }
        world.dial()
        while world.simulator.step() {}
        #expect(world.serverEnd.bytes.count < 30_000)
        #expect(world.serverEnd.closed.isEmpty)
        #expect(world.clientEnd.closed == [nil])
    }

    @Test("a receiver that does not read holds up the sender, and hears of the end when it reads again")
    func backPressure() {
        let world = World(seed: 3)
        world.serverEnd.atOpen = { $0.setReading(false) }
        world.clientEnd.atOpen = { connection in
            for _ in 0..<40 { connection.write(Self.text); connection.flush() }
            #expect(connection.isCongested)
        }
        world.dial()
        while world.simulator.step() {}
        #expect(world.serverEnd.bytes.isEmpty)
        #expect(world.clientEnd.writableCalls == 0)
        world.clientLoop.execute { world.clientEnd.connection?.close() }
        while world.simulator.step() {}
        #expect(world.serverEnd.closed.isEmpty)
        world.serverEnd.connection?.loop.execute { world.serverEnd.connection?.setReading(true) }
        while world.simulator.step() {}
        #expect(world.serverEnd.bytes.count == 120_000)
        #expect(world.serverEnd.closed == [nil])
    }

    @Test("a process that dies takes its connections with it", arguments: 1...10)
    func death(seed: Int) {
        let world = World(seed: UInt64(seed))
        world.dial()
        while world.simulator.step() {}
        #expect(world.clientEnd.connection != nil)
        world.server.kill()
        while world.simulator.step() {}
        #expect(world.serverEnd.closed.isEmpty)
        // Either the kernel of the dead process tells at once, or the next write finds out.
        world.clientLoop.execute {
            world.clientEnd.connection?.write([1])
            world.clientEnd.connection?.flush()
        }
        while world.simulator.step() {}
        #expect(world.clientEnd.closed == [.reset])
        world.dial()
        while world.simulator.step() {}
        #expect(world.failure == .refused)
    }
}

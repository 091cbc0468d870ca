import BatonTesting
import Ports
import Testing

@Suite("Simulation: loops and clock")
struct SimulatorTests {
    @Test("the same seed gives the same history, another seed another one")
    func replay() {
        func digest(_ seed: UInt64) -> UInt64 {
            let simulator = Simulator(seed: seed)
            let process = SimulatedProcess("p", in: simulator)
            let loops = (0..<4).map { _ in process.makeLoop() }
            for (number, loop) in loops.enumerated() {
                for turn in 0..<20 {
                    loop.execute { _ = loop.schedule(at: loop.now + .milliseconds(Int64(turn * number))) { loops[turn % 4].execute {} } }
                }
            }
            while simulator.step() {}
            return simulator.digest
        }
        #expect(digest(1) == digest(1))
        #expect(digest(1) != digest(2))
    }

    @Test("jobs of a loop keep their order, those of different loops mix")
    func order() {
        let simulator = Simulator(seed: 3)
        let process = SimulatedProcess("p", in: simulator)
        let seen = Box<[Int]>([])
        let loops = [process.makeLoop(), process.makeLoop()]
        for number in 0..<50 { for (offset, loop) in loops.enumerated() { loop.execute { seen.value.append(2 * number + offset) } } }
        while simulator.step() {}
        #expect(seen.value.filter { $0 % 2 == 0 } == (0..<50).map { 2 * $0 })
        #expect(seen.value.filter { $0 % 2 == 1 } == (0..<50).map { 2 * $0 + 1 })
        #expect(seen.value != seen.value.sorted())
    }

    @Test("the clock jumps to the next timer; a cancelled timer does not fire")
    func timers() {
        let simulator = Simulator(seed: 4)
        let loop = SimulatedProcess("p", in: simulator).makeLoop()
        let start = loop.now
        let fired = Box<[Duration]>([])
        loop.execute {
            for hours in [3, 1, 2] { _ = loop.schedule(at: start + .hours(Int64(hours))) { fired.value.append(loop.now - start) } }
            loop.schedule(at: start + .minutes(30)) { fired.value.append(.zero) }.cancel()
        }
        while simulator.step() {}
        #expect(fired.value.map { Int($0.inSeconds) } == [3600, 7200, 10800])
    }

    @Test("a clock that jumps brings timers forward")
    func clockJump() {
        let simulator = Simulator(seed: 5)
        let process = SimulatedProcess("p", in: simulator)
        let loop = process.makeLoop()
        let start = simulator.now
        let fired = Box<[Duration]>([])
        loop.scheduleFromOutside(at: loop.now + .hours(2)) { fired.value.append(simulator.now - start) }
        simulator.schedule(at: start + .minutes(10)) { process.jumpClock(by: .hours(1)) }
        while simulator.step() {}
        #expect(fired.value.map { Int($0.inSeconds) } == [3600])
    }

    @Test("a process that was killed does nothing more")
    func kill() {
        let simulator = Simulator(seed: 6)
        let process = SimulatedProcess("p", in: simulator)
        let loop = process.makeLoop()
        let other = SimulatedProcess("q", in: simulator).makeLoop()
        let ran = Box<[String]>([])
        loop.execute { ran.value.append("job") }
        loop.scheduleFromOutside(at: loop.now + .seconds(1)) { ran.value.append("timer") }
        other.scheduleFromOutside(at: other.now + .seconds(2)) {
            loop.execute { ran.value.append("late") }
            ran.value.append("other")
        }
        process.kill()
        while simulator.step() {}
        #expect(ran.value == ["other"])
    }
}

/// A value that closures of the one simulated thread share.
final class Box<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
}

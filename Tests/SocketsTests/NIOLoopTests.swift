import Ports
import Synchronization
import Testing

@testable import Sockets

@Suite("Loops", .timeLimit(.minutes(1)))
struct NIOLoopTests {
    @Test("timers fire at their deadlines in order, cancelled ones never")
    func timers() {
        let loop = loops.loops[0]
        let fired = Mutex<[Int]>([])
        let done = Signal()
        loop.execute {
            let start = loop.now
            let cancelled = loop.schedule(at: start + .milliseconds(1)) { fired.withLock { $0.append(-1) } }
            _ = loop.schedule(at: start + .milliseconds(8)) {
                #expect(loop.now >= start + .milliseconds(8))
                fired.withLock { $0.append(2) }
                done.raise()
            }
            _ = loop.schedule(at: start + .milliseconds(2)) {
                fired.withLock { $0.append(1) }
                _ = loop.schedule(at: .distantPast) {
                    fired.withLock { $0.append(3) }
                    done.raise()
                }
            }
            _ = loop.schedule(at: .distantFuture) { fired.withLock { $0.append(-2) } }
            cancelled.cancel()
            cancelled.cancel()
        }
        #expect(done.wait { fired.withLock { $0.count >= 3 } })
        #expect(fired.withLock { $0.first } == 1)
        #expect(fired.withLock { $0.sorted() } == [1, 2, 3])
    }

    @Test("a loop knows its own thread")
    func current() {
        let loop = loops.loops[1]
        let answers = Mutex<[Bool]>([])
        let done = Signal()
        #expect(!loop.isCurrent)
        loop.run {
            let own = loop.isCurrent, other = loops.loops[0].isCurrent
            answers.withLock { $0 = [own, other, loops.current === loop] }
            done.raise()
        }
        #expect(done.wait { answers.withLock { !$0.isEmpty } })
        #expect(answers.withLock { $0 } == [true, false, true])
    }
}

import Glibc
import Ports
import Synchronization
import Testing

@testable import Sockets

@Suite("Connections", .timeLimit(.minutes(1)))
struct NIOConnectionTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// Answers every piece of input with the same bytes.
    private static let echo: ScriptedEnd.Script = { event, connection, _ in
        if case .received(let bytes) = event { connection.write(bytes) }
    }

    @Test("bytes go both ways, and the end of the peer's stream ends the connection in order")
    func echoes() throws {
        let end = ScriptedEnd(Self.echo)
        let listener = try listen { _ in end }
        defer { listener.close() }
        let client = try #require(PlainClient(listener.endpoint))
        client.send("hello")
        #expect(text(client.read(5)) == "hello")
        client.send("bye")
        client.endOutput()
        #expect(text(client.read()) == "bye")
        #expect(end.history().last == .closed(nil))
    }

    @Test("a handler that does not read is told of the peer's end only when it reads again, and can still answer")
    func endWhileNotReading() throws {
        let end = ScriptedEnd { event, connection, end in
            switch event {
            case .received(let bytes) where bytes == Array("commit".utf8): connection.setReading(false)
            case .received(let bytes): connection.write(bytes)
            default: break
            }
        }
        let holder = Mutex<NIOLoop?>(nil)
        let listener = try listen { loop in
            holder.withLock { $0 = loop }
            return end
        }
        defer { listener.close() }
        let client = try #require(PlainClient(listener.endpoint))
        client.send("commit")
        #expect(end.sees(.received(Array("commit".utf8))))
        client.send("more")
        client.endOutput()
        let loop = try #require(holder.withLock { $0 })
        end.perform(on: loop) { connection in
            connection.write(Array("250 done;".utf8))
            connection.flush()
        }
        #expect(text(client.read(9)) == "250 done;")
        #expect(text(end.input) == "commit")
        end.perform(on: loop) { $0.setReading(true) }
        #expect(text(client.read()) == "more")
        #expect(end.history().last == .closed(nil))
    }

    @Test("pausing and resuming within one call loses nothing and keeps the order")
    func pauseAndResume() throws {
        let end = ScriptedEnd { event, connection, end in
            guard case .received(let bytes) = event else { return }
            connection.write(bytes)
            connection.setReading(false)
            let confined = LoopConfined(connection, to: connection.loop)
            connection.loop.execute { confined.value.setReading(true) }
        }
        let listener = try listen { _ in end }
        defer { listener.close() }
        let client = try #require(PlainClient(listener.endpoint))
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        client.send(Array(bytes[..<100_000]))
        let first = client.read(100_000)
        client.send(Array(bytes[100_000...]))
        client.endOutput()
        #expect(first + client.read() == bytes)
    }

    @Test("a reply in flight survives close, however much the peer still sends")
    func closeWhilePeerSends() throws {
        let reply = [UInt8](repeating: UInt8(ascii: "r"), count: 200_000)
        let end = ScriptedEnd { event, connection, _ in
            guard case .received = event else { return }
            connection.write(reply)
            connection.close()
        }
        let listener = try listen { _ in end }
        defer { listener.close() }
        let client = try #require(PlainClient(listener.endpoint))
        for _ in 0..<50 { client.send([UInt8](repeating: 0, count: 10_000)) }
        #expect(client.read().count == reply.count)
        client.endOutput()
        #expect(end.history().last == .closed(nil))
    }

    @Test("a peer that never ends is dropped after the linger time")
    func linger() throws {
        var settings = ListenerSettings()
        settings.connection.lingerTime = .milliseconds(20)
        let end = ScriptedEnd { event, connection, _ in if event == .opened { connection.close() } }
        let listener = try listen(settings) { _ in end }
        defer { listener.close() }
        let client = try #require(PlainClient(listener.endpoint))
        #expect(end.history() == [.opened, .closed(nil)])
        #expect(client.read().isEmpty)
    }

    @Test("a reset is told as such")
    func reset() throws {
        let end = ScriptedEnd(Self.echo)
        let listener = try listen { _ in end }
        defer { listener.close() }
        let client = try #require(PlainClient(listener.endpoint))
        client.send("x")
        _ = client.read(1)
        client.reset()
        #expect(end.history().last == .closed(.reset))
    }

    @Test("a peer that does not read makes the connection congested, and writable again when it reads")
    func congestion() throws {
        let end = ScriptedEnd { event, connection, _ in
            guard event == .opened else { return }
            while !connection.isCongested {
                connection.write([UInt8](repeating: 7, count: 100_000))
                connection.flush()
            }
            connection.write([1])
            connection.flush()
        }
        let listener = try listen { _ in end }
        defer { listener.close() }
        let client = try #require(PlainClient(listener.endpoint))
        while client.readSome().last == 7 {}
        #expect(end.sees(.writable))
        client.endOutput()
        _ = client.read()
        #expect(end.history().last == .closed(nil))
    }

    @Test("abort drops what was not sent")
    func abort() throws {
        let end = ScriptedEnd { event, connection, _ in
            guard event == .opened else { return }
            connection.write(Array("never flushed".utf8))
            connection.abort()
            connection.write(Array("ignored".utf8))
            connection.flush()
            connection.close()
        }
        let listener = try listen { _ in end }
        defer { listener.close() }
        let client = try #require(PlainClient(listener.endpoint))
        #expect(client.read().isEmpty)
        #expect(end.history().last == .closed(nil))
    }

    @Test("pieces of all sizes leave in order with one flush")
    func gathering() throws {
        let pieces: [[UInt8]] = [10, 40_000, 5, 1, 300_000, 100, 33_000, 1].enumerated().map { index, size in
            [UInt8](repeating: UInt8(index), count: size)
        }
        let end = ScriptedEnd { event, connection, _ in
            guard event == .opened else { return }
            for piece in pieces { connection.write(piece[...]) }
            connection.close()
        }
        let listener = try listen { _ in end }
        defer { listener.close() }
        let client = try #require(PlainClient(listener.endpoint))
        #expect(client.read() == pieces.flatMap { $0 })
    }
}

@testable import baton
import Dispatch
import Events
import Testing

@Suite struct LogSinkTests {
    private static let hostile = EventField("helo", .text("x\r\nevent=accepted \u{1b}[2J\u{202e}\"\\"))

    @Test("Lines come out whole and in order")
    func order() throws {
        let pipe = try LogPipe()
        let sink = LogSink(descriptor: pipe.writeEnd)
        for number in 0..<100 { sink.append([EventField("line", .number(Int64(number)))]) }
        sink.flush()
        #expect(pipe.text() == (0..<100).map { "line=\($0)\n" }.joined())
    }

    @Test("A reader that stalls costs lines, not memory, and hears how many", arguments: [
        (LogFormat.text, "event=lines-dropped lines=3 reason=\"the reader of the log is too slow\"\n"),
        (LogFormat.json, "{\"event\":\"lines-dropped\",\"lines\":3,\"reason\":\"the reader of the log is too slow\"}\n"),
    ])
    func limit(format: LogFormat, note: String) throws {
        let pipe = try LogPipe()
        let sink = LogSink(descriptor: pipe.writeEnd, format: format, limit: 20, delay: .never)
        let line = Array("123456789\n".utf8)
        for _ in 0..<5 { sink.append(line) }
        sink.flush()
        #expect(pipe.text() == "123456789\n123456789\n" + note)
        sink.append(line)
        sink.flush()
        #expect(pipe.text() == "123456789\n", "the count begins anew")
    }

    // HOSTILE: log injection
    @Test("Untrusted text cannot make lines, fields or terminal commands", arguments: [
        (LogFormat.text, #"helo="x\u{d}\u{a}event=accepted \u{1b}[2J\u{202e}\"\\""# + "\n"),
        (LogFormat.json, #"{"helo":"x\r\nevent=accepted \u001b[2J\u202e\"\\"}"# + "\n"),
    ])
    func escaping(format: LogFormat, line: String) {
        #expect(String(decoding: format.line([Self.hostile]), as: UTF8.self) == line)
    }

    @Test("The format changes from one line to the next")
    func formatChanges() throws {
        let pipe = try LogPipe()
        let sink = LogSink(descriptor: pipe.writeEnd)
        sink.append([EventField("a", .flag(true))])
        sink.format = .json
        sink.append([EventField("a", .flag(true))])
        sink.flush()
        #expect(pipe.text() == "a=yes\n{\"a\":true}\n")
    }
}

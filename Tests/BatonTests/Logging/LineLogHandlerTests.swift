@testable import baton
import Logging
import Ports
import Testing

@Suite struct LineLogHandlerTests {
    private static let time = Timestamp(seconds: 1_795_287_555)

    private func logger(_ sink: LogSink) -> Logger {
        let handler = LineLogHandler(sink: sink) { Self.time }
        return Logger(label: "baton") { _ in handler }
    }

    @Test("A line in the words of the mail events", arguments: [
        (LogFormat.text, "time=2026-11-21T18:59:15.000Z level=notice event=serving a=\"x y\" b=2\n"),
        (LogFormat.json, "{\"time\":\"2026-11-21T18:59:15.000Z\",\"level\":\"notice\",\"event\":\"serving\",\"a\":\"x y\",\"b\":\"2\"}\n"),
    ])
    func line(format: LogFormat, line: String) throws {
        let pipe = try LogPipe()
        let sink = LogSink(descriptor: pipe.writeEnd, format: format)
        var logger = logger(sink)
        logger[metadataKey: "b"] = "1"
        logger.notice("serving", metadata: ["b": "2", "a": "x y"])
        sink.flush()
        #expect(pipe.text() == line)
    }

    @Test("The level is the sink's, so that a reload reaches every logger, unless a logger has its own")
    func level() throws {
        let pipe = try LogPipe()
        let sink = LogSink(descriptor: pipe.writeEnd)
        let logger = logger(sink)
        var quiet = logger
        quiet.logLevel = .error
        logger.debug("one")
        sink.level = .debug
        logger.debug("two")
        quiet.notice("three")
        sink.flush()
        let text = pipe.text()
        #expect(!text.contains("one") && text.contains("event=two") && !text.contains("three"))
    }
}

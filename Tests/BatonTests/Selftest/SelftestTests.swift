@testable import baton
import Configuration
import Glibc
import Ports
import Sockets
import Testing

@Suite struct SelftestTests {
    @Test("HOSTILE: every network-visible probe, against a running daemon")
    func hostile() async throws {
        let server = try RunningDaemon(61, RunningDaemon.configuration(61, """
            limits: {maxConnectionsPerClientAndMinute: 100000, maxConnectionsPerClient: 1000, errorDelay: 0s, hardErrors: 10000, softErrors: 10000}
            policy: {limits: [], dictionary: {mode: off}, hello: {ownName: off}}
            """))
        var target = HostileTarget(host: RunningDaemon.address(61), port: 2525, recipient: "alice@here.example")
        target.silenceMilliseconds = 40
        target.pauseMilliseconds = 1
        let report = HostileProbe.runAll(target)
        #expect(report.lines.filter { $0.outcome == .finding } == [])
        #expect(report.lines.count { $0.outcome == .ok } > 80)
        // What was taken was taken as one message each: none of them is the smuggled one.
        await server.stop()
        let taken = try server.messages("here.example/alice")
        #expect(!taken.contains { $0.contains("Return-Path: <smuggled@") })
    }

    @Test("A server that does everything wrong has findings, and one that is not there is one")
    func findings() throws {
        let nobody = HostileProbe.runAll(HostileTarget(host: RunningDaemon.address(62), port: 2525, recipient: "x@y.example"))
        #expect(nobody.hasFindings && nobody.lines.count == 1)
        let lines = [SelftestLine(row: "1", name: "a \"name\"", outcome: .finding, detail: "250 \u{1b}[2J")]
        let report = SelftestReport(lines: lines)
        #expect(report.details == "    1  a \"name\"  finding  250 ?[2J\n1 probes: 0 as they should be, 0 skipped, 1 finding\n")
        #expect(report.table == "    1  Row 1  1 of 1 FOUND\n      a \"name\": 250 ?[2J\n1 probes: 0 as they should be, 0 skipped, 1 finding\n")
        #expect(report.json == #"{"row":"1","probe":"a \"name\"","outcome":"finding","detail":"250 \u001b[2J"}"# + "\n")
    }

    @Test("A client that may relay is told so; as a stranger, by its address or by XCLIENT, it sees what strangers see")
    func standing() async throws {
        let own = RunningDaemon.address(67), stranger = RunningDaemon.address(68)
        let server = try RunningDaemon(67, RunningDaemon.configuration(67, """
            limits: {maxConnectionsPerClientAndMinute: 100000, maxConnectionsPerClient: 1000, errorDelay: 0s, hardErrors: 10000, softErrors: 10000}
            policy: {limits: [], dictionary: {mode: off}, hello: {ownName: off}}
            """).replacing("relayNetworks: []", with: "relayNetworks: [\(own)/32]")
            .replacing("listeners: [{address: \"\(own):2525\"}]", with: "listeners: [{address: \"\(own):2525\", xclient: [\(own)/32]}]"))
        var target = HostileTarget(host: own, port: 2525, recipient: "alice@here.example")
        target.silenceMilliseconds = 40
        target.pauseMilliseconds = 1
        target.source = own
        let trusted = HostileProbe.runAll(target)
        #expect(trusted.lines.filter { $0.outcome == .finding } == [])
        #expect(trusted.lines.filter { $0.row == "relay" }.allSatisfy { $0.outcome == .skipped })
        #expect(trusted.note?.hasPrefix("\(own) may relay there") == true && trusted.table.contains("skipped: \(own) may relay there"))
        for change in [{ (target: inout HostileTarget) in target.source = stranger }, { target in target.pretended = .xclient("198.51.100.7") }] {
            var other = target
            change(&other)
            let seen = HostileProbe.runAll(other)
            #expect(seen.lines.filter { $0.outcome == .finding } == [] && seen.note == nil)
            #expect(seen.lines.filter { $0.row == "relay" }.allSatisfy { $0.outcome == .ok })
        }
        await server.stop()
    }

    @Test("HOSTILE 37: under the sandbox, what is forbidden fails and what is needed works",
          .enabled(if: ProcessSandbox.isAvailable, "the kernel has no Landlock"))
    func sandbox() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(RunningDaemon.configuration(63), to: "baton.yaml")
        try folder.write("{}", to: "zone.json")
        let (status, output) = try SelftestTests.run(["selftest", "--sandbox", "--config", path])
        #expect(status == 0, "\(output)")
        #expect(output.contains("listing the root directory") && output.contains(" 0 findings"), "\(output)")
    }

    @Test("The daemon does its work in the sandbox: mail comes in, is delivered, and the file is read again",
          .enabled(if: ProcessSandbox.isAvailable, "the kernel has no Landlock"))
    func sandboxedDaemon() throws {
        let folder = try TemporaryFolder()
        try folder.write("{}", to: "zone.json")
        let path = try folder.write(RunningDaemon.configuration(66, "sandbox: require"), to: "baton.yaml")
        let (process, output) = try SelftestTests.start(["serve", "--config", path])
        var hasEnded = false
        defer {
            close(output)
            if !hasEnded { kill(process, SIGKILL) }
        }
        var dialog: SMTPDialog?
        for _ in 0..<200 where dialog == nil {
            dialog = try? SMTPDialog(to: RunningDaemon.address(66))
            if dialog == nil { usleep(50_000) }
        }
        let client = try #require(dialog)
        for line in ["EHLO client.example", "MAIL FROM:<x@client.example>", "RCPT TO:<alice@here.example>", "DATA"] {
            #expect("23".contains(client.say(line).prefix(1)), "\(line)")
        }
        #expect(client.say("Subject: hi\r\n\r\ntext\r\n.").hasPrefix("250"))
        var delivered: [String] = []
        for _ in 0..<200 where delivered.isEmpty {
            delivered = folder.names(in: "mail/here.example/alice/new")
            if delivered.isEmpty { usleep(50_000) }
        }
        #expect(delivered.count == 1)
        kill(process, SIGHUP)
        #expect(client.say("RCPT TO:<x@y.example>").hasPrefix("503"))
        kill(process, SIGTERM)
        var log = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = read(output, &buffer, buffer.count), count > 0 { log += String(decoding: buffer[..<count], as: UTF8.self) }
        var status: Int32 = 0
        waitpid(process, &status, 0)
        hasEnded = true
        #expect(status == 0 && log.contains("event=reloaded") && !log.contains("denied"), "\(log)")
    }

    /// Runs the program beside the tests in a process of its own.
    static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let (process, end) = try start(arguments)
        defer { close(end) }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = read(end, &buffer, buffer.count), count > 0 { output += buffer[..<count] }
        var status: Int32 = 0
        waitpid(process, &status, 0)
        return (status >> 8 & 0xff, String(decoding: output, as: UTF8.self))
    }

    /// Starts the program; what it says comes out of the descriptor.
    private static func start(_ arguments: [String]) throws -> (process: pid_t, output: Int32) {
        var own = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &own, own.count - 1)
        try #require(length > 0)
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? String(decoding: own[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let program = bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/baton"
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        var list: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for item in list { free(item) } }
        var process = pid_t()
        let result = posix_spawn(&process, program, &actions, nil, &list, environ)
        close(ends[1])
        try #require(result == 0, "\(program)")
        return (process, ends[0])
    }

    @Test("A listener takes the socket that the service manager has bound for it")
    func activation() async throws {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = UInt16(2525).bigEndian
        inet_pton(AF_INET, RunningDaemon.address(64), &name.sin_addr)
        let bound = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        try #require(bound == 0 && listen(descriptor, 16) == 0)
        let server = try RunningDaemon(64, RunningDaemon.configuration(64), activated: ActivatedSockets([("smtp", descriptor)]))
        #expect(try server.accepts("alice@here.example"))
        await server.stop()
    }
}

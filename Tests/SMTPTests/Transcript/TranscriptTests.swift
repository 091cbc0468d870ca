import MessageFormat
import Ports
import SMTP
import Testing

@Suite struct TranscriptTests {
    @Test("Dialogs in Fixtures/smtp", arguments: try Transcript.all(in: "smtp"))
    func dialog(_ transcript: Transcript) throws {
        let profile = ServerProfile(transcript.settings)
        let host = makeHost(transcript, profile)
        let whole = try play(transcript, host)
        guard !transcript.isLockStep else { return }

        // The same octets, cut in every way, must give the same replies and the same messages.
        let input = transcript.steps.flatMap { step -> [UInt8] in if case .send(let bytes, _) = step { bytes } else { [] } }
        let cuts: [Int] = input.count <= 4000 ? Array(0...input.count) : Array(stride(from: 0, to: input.count, by: input.count / 200))
        var pieces = cuts.map { [input[..<$0], input[$0...]] }
        pieces.append(input.indices.map { input[$0...$0] })
        for parts in pieces {
            let other = makeHost(transcript, profile)
            other.run()
            for part in parts { other.feed(part) }
            let said = other.takeOutput()
            try #require(said == whole, "cut after \(parts[0].count): \(said.suffix(200)) instead of \(whole.suffix(200))")
            try #require(other.stored == host.stored, "cut after \(parts[0].count)")
            try #require(other.closed == host.closed, "cut after \(parts[0].count)")
        }
    }

    private func makeHost(_ transcript: Transcript, _ profile: ServerProfile) -> ScriptedHost {
        let host = ScriptedHost(profile, permissions: transcript.permissions)
        host.rules = transcript.refusals.map { ScriptedHost.Rule(stage: $0.0, argument: $0.1, reply: $0.2) }
        return host
    }

    /// Plays the dialog step by step and returns all that the server said.
    private func play(_ transcript: Transcript, _ host: ScriptedHost) throws -> String {
        host.run()
        var said = host.takeOutput()
        var pending = said
        var spooled = 0
        for step in transcript.steps {
            switch step {
            case .send(let bytes, let line):
                #expect(pending.isEmpty, "line \(line): unexpected \(pending)")
                pending = host.send(bytes)
                said += pending
            case .expect(let pattern, let line):
                let (matches, rest) = match(pattern, pending)
                try #require(matches, "line \(line): expected \(pattern), got \(pending.isEmpty ? "nothing" : pending)")
                pending = rest
            case .wait(let duration):
                host.advance(by: duration)
                let more = host.takeOutput()
                pending += more
                said += more
            case .spool(let body, let line):
                try #require(host.stored.count > spooled, "line \(line): nothing stored")
                #expect(host.stored[spooled].body == body,
                        "line \(line): \(String(decoding: host.stored[spooled].body, as: UTF8.self).debugDescription)")
                spooled += 1
            case .fact(let name, let value, let line):
                check(name, value, host, "line \(line)")
            }
        }
        #expect(pending.isEmpty, "at the end: unexpected \(pending)")
        return said
    }

    private func check(_ name: String, _ value: String, _ host: ScriptedHost, _ place: String) {
        switch name {
        case "stored": #expect(host.stored.count == Int(value), "\(place)")
        case "closed": #expect(host.closed != nil, "\(place)")
        case "open": #expect(host.closed == nil, "\(place)")
        case "from": #expect(host.stored.last?.mail.reversePath.description == value, "\(place)")
        case "to":
            #expect(host.stored.last?.recipients.map(\.forwardPath.description).joined(separator: " ") == value, "\(place)")
        case "protocol": #expect(host.stored.last?.protocolName == value, "\(place)")
        case "hello": #expect(host.stored.last?.helloName == value, "\(place)")
        case "chunks": #expect(host.stored.last?.chunks == Int(value), "\(place)")
        case "client": #expect(host.identity.endpoint.description == value, "\(place)")
        case "login": #expect(host.identity.login ?? "nobody" == value, "\(place)")
        case "longline": #expect(host.stored.last?.findings.contains(.longLine) == (value == "yes"), "\(place)")
        default: Issue.record("\(place): unknown fact \(name)")
        }
    }

    /// Whether `said` starts with what `pattern` describes, and what follows it.
    private func match(_ pattern: String, _ said: String) -> (Bool, String) {
        var rest = said
        func takeLine() -> String? {
            guard let end = rest.firstRange(of: "\r\n") else { return nil }
            defer { rest = String(rest[end.upperBound...]) }
            return String(rest[..<end.lowerBound])
        }
        guard pattern.hasSuffix("-*"), pattern.count == 5 else {
            guard let line = takeLine() else { return (false, said) }
            return (glob(Array(pattern.utf8)[...], Array(line.utf8)[...]), rest)
        }
        while let line = takeLine() {
            guard line.hasPrefix(pattern.prefix(3)) else { return (false, said) }
            if line.dropFirst(3).first != "-" { return (true, rest) }
        }
        return (false, said)
    }

    private func glob(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == UInt8(ascii: "*") {
            return (text.startIndex...text.endIndex).contains { glob(pattern.dropFirst(), text[$0...]) }
        }
        guard let octet = text.first, first == octet || first == UInt8(ascii: "?") else { return false }
        return glob(pattern.dropFirst(), text.dropFirst())
    }
}

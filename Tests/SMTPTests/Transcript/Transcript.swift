import Foundation
import Testing
import MessageFormat
import Ports
import SMTP

/// A dialog in a file: what the client sends, what the server must say, what it must store.
///
///     @ maxMessageSize 1000            a setting
///     @ refuse rcpt <x@a.example> 550 5.1.1 No
///     @ allow xclient
///     @ auth PLAIN required plaintext
///     C: EHLO a.example                a line, CRLF added
///     C! "raw\r\n" * 3                 octets with escapes, repeated
///     S: 250-*                         all lines of a reply, with * and ? as wildcards in the last one
///     S: 250-SIZE 1000                 one line of a reply
///     +5m                              time goes by
///     =spool "octets"                  the next message stored
///     =from <a@x.example>              facts of that message
///     =to <b@y.example> <c@y.example>
///     =protocol ESMTP
///     =stored 1                        how many messages were stored in all
///     =closed
struct Transcript: Sendable, CustomTestStringConvertible {
    enum Step: Sendable {
        case send([UInt8], line: Int)
        case expect(String, line: Int)
        case wait(Duration)
        case spool([UInt8], line: Int)
        case fact(String, String, line: Int)
    }

    let name: String
    private(set) var steps: [Step] = []
    private(set) var settings = ServerSettings()
    private(set) var permissions: Permissions = []
    private(set) var refusals: [(String, String, Reply)] = []
    /// Whether the input must not be sent ahead of the replies.
    private(set) var isLockStep = false

    var testDescription: String { name }

    struct Mistake: Error { var line: Int; var text: String }

    init(name: String, text: String) throws {
        self.name = name
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            try read(String(line), number + 1)
        }
    }

    /// All transcripts of a fixture folder.
    static func all(in folder: String) throws -> [Transcript] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let url = root.appending(path: "Fixtures/\(folder)")
        return try FileManager.default.contentsOfDirectory(atPath: url.path).filter { $0.hasSuffix(".smtp") }.sorted().map {
            try Transcript(name: $0, text: String(contentsOf: url.appending(path: $0), encoding: .utf8))
        }
    }

    private mutating func read(_ line: String, _ number: Int) throws {
        if line.isEmpty || line.hasPrefix("#") { return }
        if line.hasPrefix("C: ") { return steps.append(.send(Array((line.dropFirst(3) + "\r\n").utf8), line: number)) }
        if line == "C:" { return steps.append(.send([0x0d, 0x0a], line: number)) }
        if line.hasPrefix("C! ") { return steps.append(.send(try octets(line.dropFirst(3), number), line: number)) }
        if line.hasPrefix("S: ") { return steps.append(.expect(String(line.dropFirst(3)), line: number)) }
        if line.hasPrefix("+") { return try readWait(line, number) }
        if line.hasPrefix("=spool ") { return steps.append(.spool(try octets(line.dropFirst(7), number), line: number)) }
        if line.hasPrefix("=") {
            let parts = line.dropFirst().split(separator: " ", maxSplits: 1)
            return steps.append(.fact(String(parts[0]), parts.count > 1 ? String(parts[1]) : "", line: number))
        }
        if line.hasPrefix("@ ") { return try readSetting(line.dropFirst(2).split(separator: " ").map(String.init), number) }
        throw Mistake(line: number, text: line)
    }

    private mutating func readWait(_ line: String, _ number: Int) throws {
        guard let value = Int64(line.dropFirst().dropLast()) else { throw Mistake(line: number, text: line) }
        switch line.last {
        case "s": steps.append(.wait(.seconds(value)))
        case "m": steps.append(.wait(.minutes(value)))
        default: throw Mistake(line: number, text: line)
        }
        isLockStep = true
    }

    private mutating func readSetting(_ words: [String], _ number: Int) throws {
        switch (words[0], words.dropFirst().first ?? "") {
        case ("dialect", "lmtp"): settings.dialect = .lmtp
        case ("hostname", let name): settings.hostname = name
        case ("startTLS", "yes"): settings.offersStartTLS = true
        case ("brackets", "optional"): settings.brackets = .optional
        case ("nul", "keep"): settings.nulPolicy = .keep
        case ("malformedHeader", "refuse"): settings.malformedHeaderPolicy = .refuse
        case ("allow", "xclient"): permissions.insert(.xclient)
        case ("allow", "xforward"): permissions.insert(.xforward)
        case ("allow", "external"): permissions.insert(.external)
        case ("auth", _): settings.authentication = try authentication(words.dropFirst(), number)
        case ("lockstep", _): isLockStep = true
        case ("refuse", let stage):
            guard words.count > 5, let code = Int(words[3]), let enhanced = EnhancedStatusCode(Array(words[4].utf8)) else {
                throw Mistake(line: number, text: words.joined(separator: " "))
            }
            refusals.append((stage, words[2], Reply(code, enhanced, words[5...].joined(separator: " "))))
        case (let key, let value):
            guard let value = Int(value) else { throw Mistake(line: number, text: key) }
            switch key {
            case "maxMessageSize": settings.maxMessageSize = value
            case "maxRecipients": settings.maxRecipients = value
            case "maxMessages": settings.maxMessages = value
            case "maxTextLine": settings.maxTextLine = value
            case "maxCommandLine": settings.maxCommandLine = value
            case "maxHops": settings.maxHops = value
            case "maxJunkCommands": settings.maxJunkCommands = value
            case "softErrorLimit": settings.softErrorLimit = value
            case "maxAuthFailures": settings.authentication?.maxFailures = value
            case "hardErrorLimit": settings.hardErrorLimit = value
            case "largeMessageThreshold": settings.largeMessageThreshold = value
            case "headerOctets": settings.headerLimits.octets = value
            case "headerFields": settings.headerLimits.fields = value
            default: throw Mistake(line: number, text: key)
            }
        }
    }

    /// `PLAIN LOGIN required plaintext host`
    private func authentication(_ words: ArraySlice<String>, _ number: Int) throws -> AuthenticationSettings {
        var settings = AuthenticationSettings()
        settings.mechanisms = []
        for word in words {
            switch word {
            case "required": settings.use = .required
            case "plaintext": settings.protection = .optional
            case "host": settings.lead = .host
            default:
                guard let mechanism = SASLMechanism(rawValue: word) else { throw Mistake(line: number, text: word) }
                settings.mechanisms.append(mechanism)
            }
        }
        return settings
    }

    /// `"text with \r \n \t \0 \\ \" \xHH"` with an optional `* count`.
    private func octets(_ text: Substring, _ number: Int) throws -> [UInt8] {
        let bytes = Array(text.utf8)
        guard bytes.first == UInt8(ascii: "\""), let end = bytes.lastIndex(of: UInt8(ascii: "\"")), end > 0 else {
            throw Mistake(line: number, text: String(text))
        }
        var result: [UInt8] = []
        var index = 1
        while index < end {
            guard bytes[index] == UInt8(ascii: "\\"), index + 1 < end else { result.append(bytes[index]); index += 1; continue }
            index += 2
            switch bytes[index - 1] {
            case UInt8(ascii: "r"): result.append(0x0d)
            case UInt8(ascii: "n"): result.append(0x0a)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "0"): result.append(0)
            case UInt8(ascii: "x"):
                guard index + 2 <= end, let value = UInt8(String(decoding: bytes[index..<(index + 2)], as: UTF8.self), radix: 16) else {
                    throw Mistake(line: number, text: String(text))
                }
                result.append(value)
                index += 2
            case let octet: result.append(octet)
            }
        }
        let rest = String(decoding: bytes[(end + 1)...], as: UTF8.self).split(separator: " ")
        guard rest.count == 2, rest[0] == "*", let count = Int(rest[1]) else { return result }
        return Array(repeatElement(result, count: count).joined())
    }
}

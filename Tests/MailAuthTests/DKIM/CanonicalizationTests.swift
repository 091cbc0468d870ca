import Cryptography
import Foundation
@testable import MailAuth
import MessageFormat
import Testing

@Suite("DKIM canonicalization") struct CanonicalizationTests {
    /// Keeps what a canonicalizer lets through.
    private struct Collector: CanonicalSink {
        var octets: [UInt8] = []
        mutating func write(_ run: UnsafeRawBufferPointer) { octets.append(contentsOf: run) }
    }

    private func body(_ octets: [UInt8], _ form: Canonicalization, cuts: [Int] = []) -> [UInt8] {
        var canonicalizer = BodyCanonicalizer(form)
        var sink = Collector()
        var start = 0
        for end in cuts + [octets.count] where end >= start {
            octets[start..<end].withUnsafeBytes { canonicalizer.receive($0, into: &sink) }
            start = end
        }
        canonicalizer.finish(into: &sink)
        return sink.octets
    }

    /// The rules of RFC 6376 §3.4.4 and §3.4.3, line by line and slowly.
    private func plainly(_ octets: [UInt8], _ form: Canonicalization) -> [UInt8] {
        var lines: [[UInt8]] = [[]]
        var index = 0
        while index < octets.count {
            if octets[index] == 0x0d, index + 1 < octets.count, octets[index + 1] == 0x0a {
                lines.append([])
                index += 2
            } else {
                lines[lines.count - 1].append(octets[index])
                index += 1
            }
        }
        if form == .relaxed {
            lines = lines.map { line in
                var output: [UInt8] = []
                for octet in line {
                    let isBlank = octet == 0x20 || octet == 0x09
                    if !isBlank { output.append(octet) } else if output.last != 0x20 { output.append(0x20) }
                }
                if output.last == 0x20 { output.removeLast() }
                return output
            }
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        if lines.isEmpty { return form == .simple ? [0x0d, 0x0a] : [] }
        return lines.flatMap { $0 + [0x0d, 0x0a] }
    }

    @Test("RFC 6376 §3.4.5") func examples() {
        let input = Array(" C \r\nD \t E\r\n\r\n\r\n".utf8)
        #expect(body(input, .relaxed) == Array(" C\r\nD E\r\n".utf8))
        #expect(body(input, .simple) == Array(" C \r\nD \t E\r\n".utf8))
        #expect(field("A: X\r\n", .relaxed) == "a:X\r\n")
        #expect(field("B : Y\t\r\n\tZ  \r\n", .relaxed) == "b:Y Z\r\n")
        #expect(field("B : Y\t\r\n\tZ  \r\n", .simple) == "B : Y\t\r\n\tZ  \r\n")
        #expect(field("X:", .relaxed) == "x:\r\n")
        #expect(field("X:\r\n \r\n", .relaxed) == "x:\r\n")
    }

    @Test("RFC 6376 §3.4.3, §3.4.4: empty bodies") func emptyBodies() {
        for text in ["", "\r\n", "\r\n\r\n\r\n"] {
            #expect(body(Array(text.utf8), .simple) == [0x0d, 0x0a])
            #expect(body(Array(text.utf8), .relaxed).isEmpty)
        }
        #expect(body(Array(" \t\r\n \r\n".utf8), .relaxed).isEmpty)
        #expect(body(Array("a".utf8), .relaxed) == Array("a\r\n".utf8))
    }

    @Test("Wherever the chunks are cut", arguments: Canonicalization.allCases) func cuts(form: Canonicalization) {
        let samples = ["", "\r", "\n", "a\r", "\r\n\r", "a \r\n\r\n b\t\t c \r\n \r\n\r\n", "\r\r\n\n x\ry \r z\r\n\r\n", " a  b\tc\r\n\r\n\t\r\nend"]
        for text in samples {
            let octets = Array(text.utf8)
            let expected = plainly(octets, form)
            #expect(body(octets, form) == expected, "\(text.debugDescription)")
            #expect(body(octets, form, cuts: Array(0...octets.count)) == expected, "\(text.debugDescription) octet by octet")
            for first in 0...octets.count {
                for second in first...octets.count {
                    #expect(body(octets, form, cuts: [first, second]) == expected, "\(text.debugDescription) cut at \(first), \(second)")
                }
            }
        }
    }

    @Test("Long random bodies", arguments: Canonicalization.allCases) func random(form: Canonicalization) {
        var state: UInt64 = 42
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let pieces: [String] = ["word", "a-word-of-some-more-letters-than-one-stride-has", " ", " ", " ", "  ", "\t", " \t", "\r\n", "\r\n", "\r", "\n", "x"]
        for _ in 0..<400 {
            var octets: [UInt8] = []
            for _ in 0..<next(60) { octets += Array(pieces[next(pieces.count)].utf8) }
            let cuts = (0..<next(4)).map { _ in next(octets.count + 1) }.sorted()
            #expect(body(octets, form, cuts: cuts) == plainly(octets, form), "\(String(decoding: octets, as: UTF8.self).debugDescription) \(cuts)")
        }
    }

    @Test("A hash of the first octets") func limits() {
        let text = Array("Hello  world \r\n\r\nmore\r\n\r\n".utf8)
        let canonical = plainly(text, .relaxed)
        let bodies = BodyHashes()
        let requests = (0...canonical.count).map { bodies.request(.relaxed, .sha256, limit: UInt64($0)) }
        let beyond = bodies.request(.relaxed, .sha256, limit: .max)
        for octet in text { bodies.receive([octet]) }
        bodies.finish()
        for (count, request) in requests.enumerated() {
            #expect(bodies.value(request).hash == HashFunction.sha256.hash(canonical.prefix(count)), "\(count)")
        }
        #expect(bodies.value(beyond).hash == HashFunction.sha256.hash(canonical))
        #expect(bodies.value(beyond).bodyOctets == UInt64(canonical.count))
    }

    @Test("Flanker's messages", .enabled(if: Suites.has("dkim-canon-flanker"), "suites are not here"))
    func flanker() throws {
        var count = 0
        for number in 1...25 {
            let name = number < 10 ? "0\(number)" : "\(number)"
            guard let data = try? Suites.data("dkim-canon-flanker/email.\(name)") else { continue }
            // Without a line between header and body, what is a body is left to the implementation.
            if number <= 3 { continue }
            count += 1
            let message = withLineEnds([UInt8](data))
            let header = try MessageHeader(scanning: message)
            for (form, file) in [(Canonicalization.simple, "simple"), (.relaxed, "relaxed")] {
                var output: [UInt8] = []
                for field in header.section.fields { form.appendField(header.lines(of: field), to: &output) }
                output += [0x0d, 0x0a] + body(Array(message[header.section.bodyStart...]), form)
                // White space at the end of a line is ignored, so that lines of nothing else are empty (RFC 6376 §3.4.4).
                if number == 24, form == .relaxed { continue }
                let expected = withLineEnds([UInt8](try Suites.data("dkim-canon-flanker/\(file).expected.\(name)")))
                #expect(output == expected, "\(file) \(name): \(String(decoding: output, as: UTF8.self).debugDescription)")
            }
        }
        #expect(count == 18)
    }

    private func field(_ text: String, _ form: Canonicalization) -> String {
        var output: [UInt8] = []
        form.appendField(Array(text.utf8)[...], to: &output)
        return String(decoding: output, as: UTF8.self)
    }
}

import DNS
import Foundation
import MailAuth
import MessageFormat
import Ports
import Testing
import Yams

@Suite("ARC: the suite of Valimail", .enabled(if: Suites.has("arc-valimail"), "the suites are not here"))
struct ARCSuiteTests {
    struct Scenario {
        let description: String
        let tests: [(name: String, fields: [String: Any])]
        let zone: Zone
        let values: [String: Any]
    }

    static func scenarios(_ file: String) throws -> [Scenario] {
        let text = distinct(String(decoding: try Suites.data("arc-valimail/" + file), as: UTF8.self))
        return try Yams.load_all(yaml: text).compactMap { document in
            guard let values = document as? [String: Any], let tests = values["tests"] as? [String: [String: Any]] else { return nil }
            let records = values["txt-records"] as? [String: String] ?? [:]
            let zone = Zone(Dictionary(uniqueKeysWithValues: records.map { ($0.key, Zone.Entry([.txt(Array($0.value.utf8))])) }))
            return Scenario(description: values["description"] as? String ?? "", tests: tests.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
                            zone: zone, values: values)
        }
    }

    /// `yaml` with a number after names that its mapping has already: the suite has four such, which YAML does not allow.
    private static func distinct(_ yaml: String) -> String {
        var seen: Set<Substring> = []
        var lines: [String] = []
        for line in yaml.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "---" { seen = [] }
            let isName = line.hasPrefix("  ") && !line.hasPrefix("   ") && line.hasSuffix(":")
            let isKnown = isName && !seen.insert(line).inserted
            lines.append(isKnown ? String(line.dropLast()) + "_2:" : String(line))
        }
        return lines.joined(separator: "\n")
    }

    static func octets(_ message: String) -> [UInt8] { Array(message.replacing("\n", with: "\r\n").utf8) }

    static func verify(_ message: [UInt8], _ zone: Zone) throws -> ARCResult {
        let loop = TestLoop(now: Timestamp(seconds: 1_500_000_000))
        let lookups = Lookups(ZoneResolver(zone), on: loop, deadline: loop.now + .seconds(20))
        let authentication = MessageAuthentication(.init(client: nil, helo: "", mailFrom: ""), lookups)
        authentication.receive(message[...])
        var seen: ARCResult?
        authentication.finish { seen = $0.arc }
        loop.run()
        return try #require(seen)
    }

    @Test func validation() throws {
        var count = 0
        for scenario in try Self.scenarios("arc-draft-validation-tests.yml") {
            for (name, fields) in scenario.tests {
                let message = try #require(fields["message"] as? String)
                let result = try Self.verify(Self.octets(message), scenario.zone)
                // RFC 8617 §5.2 step 2: a chain whose last seal says cv=fail has the status fail; the suite leaves it open.
                let expected = switch fields["cv"] as? String { case "Pass": "pass"; case "Fail", "", nil: "fail"; default: "none" }
                #expect(result.result.rawValue == expected, "\(name): \(result.reason)")
                count += 1
            }
        }
        #expect(count == 175)
    }
}

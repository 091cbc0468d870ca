import DNS
import Foundation
import Ports
import Testing
import Yams

/// The scenarios of the openspf suites: a zone and the checks made against it.
struct SPFSuite: Sendable {
    struct Case: Sendable, CustomTestStringConvertible {
        let file: String
        let name: String
        let client: String
        let helo: String
        let mailFrom: String
        let results: [String]
        let explanation: String?
        let zone: Zone
        var testDescription: String { "\(file) \(name)" }
    }

    static func cases(_ file: String) throws -> [Case] {
        let text = String(decoding: try Suites.data("spf-openspf-rfc7208/\(file).yml"), as: UTF8.self)
        return try Yams.compose_all(yaml: text).flatMap { document -> [Case] in
            let zone = zone(document["zonedata"])
            return (document["tests"]?.mapping ?? [:]).map { name, test in
                Case(file: file, name: name.string ?? "", client: test["host"]?.string ?? "", helo: test["helo"]?.string ?? "",
                     mailFrom: test["mailfrom"]?.string ?? "", results: strings(test["result"]), explanation: test["explanation"]?.string,
                     zone: zone)
            }
        }
    }

    private static func strings(_ node: Node?) -> [String] {
        guard let node else { return [] }
        return node.sequence.map { $0.compactMap(\.string) } ?? node.string.map { [$0] } ?? []
    }

    private static func zone(_ data: Node?) -> Zone {
        var names: [String: Zone.Entry] = [:]
        for (key, list) in data?.mapping ?? [:] {
            guard let name = DNSName.canonical(DNSName.text(of: (key.string ?? "").utf8)) else { continue }
            names[name] = entry(list.sequence.map(Array.init) ?? [])
        }
        return Zone(names)
    }

    private static func entry(_ list: [Node]) -> Zone.Entry {
        var records: [RecordType: [DNSRecord]] = [:]
        var spf: [DNSRecord] = []
        var isTimedOut = false
        var hasText = false
        for item in list {
            if item.string == "TIMEOUT" { isTimedOut = true }
            guard let (key, value) = item.mapping?.first, let type = key.string else { continue }
            if type == "TXT" { hasText = true }
            if type == "TXT", value.string == "NONE" { continue }
            if type == "SPF" { spf.append(.txt(text(value))) } else if let record = record(type, value) { records[record.type, default: []].append(record) }
        }
        // The type SPF is gone (RFC 7208 §3.1): its records count as TXT where the zone has no TXT of its own.
        if !hasText, !spf.isEmpty { records[.txt] = spf }
        var entry = Zone.Entry()
        entry.records = records
        entry.status = isTimedOut ? .timedOut : .noData
        return entry
    }

    private static func record(_ type: String, _ value: Node) -> DNSRecord? {
        switch type {
        case "A": return value.string.flatMap { IPAddress($0) }.map(DNSRecord.a)
        case "AAAA": return value.string.flatMap { IPAddress($0) }.map(DNSRecord.aaaa)
        case "TXT": return .txt(text(value))
        case "PTR": return value.string.flatMap(DNSName.canonical).map(DNSRecord.ptr)
        case "CNAME": return value.string.flatMap(DNSName.canonical).map(DNSRecord.cname)
        case "MX":
            guard let parts = value.sequence, parts.count == 2, let preference = parts[0].int, let exchange = parts[1].string else { return nil }
            return .mx(preference: UInt16(clamping: preference), exchange: DNSName.canonical(exchange) ?? "")
        default: return nil
        }
    }

    /// The octets of a text: the suite writes one octet above 127 as one character.
    private static func text(_ value: Node) -> [UInt8] {
        let joined = value.sequence.map { $0.compactMap(\.string).joined() } ?? value.string ?? ""
        return joined.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    }
}

import Ports

extension Zone {
    /// Reads a zone: `{"name": {"MX": ["10 host"], "rcode": "SERVFAIL", "secure": true, "delay": 0.2}}`.
    public init(json text: [UInt8]) throws(ZoneError) {
        guard case .object(let members) = try JSONValue(parsing: text) else {
            throw ZoneError(place: "line 1", reason: "expected an object of names")
        }
        names = [:]
        names.reserveCapacity(members.count)
        for member in members {
            guard DNSName.canonical(member.name) == member.name else {
                throw ZoneError(place: "\"\(member.name)\"",
                                reason: "expected a domain name in lower case without a final dot")
            }
            do throws(Mistake) {
                names[member.name] = try Entry(member.value)
            } catch {
                throw ZoneError(place: member.name, reason: error.reason)
            }
        }
    }
}

/// What is wrong with an entry.
private struct Mistake: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

extension Zone.Entry {
    /// The longest delay that makes sense: a day.
    private static let maxDelaySeconds = 86_400.0

    fileprivate init(_ value: JSONValue) throws(Mistake) {
        self.init()
        switch value {
        case .array(let items):
            // A plain list means TXT.
            records[.txt] = try Zone.Entry.parse(items, .txt)
        case .object(let members):
            for member in members { try set(member) }
        case .null, .bool, .number, .string:
            throw Mistake("expected an object of records or a list of TXT strings")
        }
    }

    private mutating func set(_ member: JSONValue.Member) throws(Mistake) {
        switch (member.name, member.value) {
        case ("secure", .bool(let flag)): isSecure = flag
        case ("bogus", .bool(let flag)): isBogus = flag
        case ("secure", _), ("bogus", _): throw Mistake("\"\(member.name)\": expected true or false")
        case ("delay", .number(let seconds)) where (0...Zone.Entry.maxDelaySeconds).contains(seconds):
            delay = .nanoseconds(Int64(seconds * 1e9))
        case ("delay", _): throw Mistake("\"delay\": expected seconds from 0 to 86400")
        case ("rcode", .string("NXDOMAIN")): status = .nameError
        case ("rcode", .string("SERVFAIL")): status = .serverFailure
        case ("rcode", .string("TIMEOUT")): status = .timedOut
        case ("rcode", _): throw Mistake("\"rcode\": expected \"NXDOMAIN\", \"SERVFAIL\" or \"TIMEOUT\"")
        default:
            guard let type = RecordType.allCases.first(where: { $0.description == member.name }) else {
                let known = RecordType.allCases.map(\.description).joined(separator: ", ")
                throw Mistake("\"\(member.name)\": expected one of \(known), rcode, secure, bogus, delay")
            }
            guard case .array(let items) = member.value else {
                throw Mistake("\"\(member.name)\": expected a list of strings")
            }
            records[type] = try Zone.Entry.parse(items, type)
        }
    }

    private static func parse(_ items: [JSONValue], _ type: RecordType) throws(Mistake) -> [DNSRecord] {
        var records: [DNSRecord] = []
        for item in items {
            guard case .string(let text) = item else { throw Mistake("\(type): expected a list of strings") }
            guard let record = DNSRecord(zoneText: text, type: type) else {
                throw Mistake("\(type) \"\(text)\": expected \(form(of: type))")
            }
            records.append(record)
        }
        if type == .cname, records.count > 1 { throw Mistake("CNAME: expected one name") }
        return records
    }

    private static func form(of type: RecordType) -> String {
        switch type {
        case .a: "an IPv4 address"
        case .aaaa: "an IPv6 address"
        case .mx: "\"PREFERENCE HOST\""
        case .txt: "text"
        case .ptr, .cname: "a domain name"
        case .tlsa: "\"USAGE SELECTOR MATCHING HEX\""
        }
    }
}

extension DNSRecord {
    /// A record from its text in a zone.
    init?(zoneText text: String, type: RecordType) {
        let fields = text.split(separator: " ")
        switch type {
        case .a:
            guard let address = IPAddress(text), case .v4 = address else { return nil }
            self = .a(address)
        case .aaaa:
            guard let address = IPAddress(text), case .v6 = address else { return nil }
            self = .aaaa(address)
        case .mx:
            guard fields.count == 2, let preference = UInt16(fields[0]),
                  let exchange = DNSRecord.name(fields[1]) else { return nil }
            self = .mx(preference: preference, exchange: exchange)
        case .txt:
            self = .txt(Array(text.utf8))
        case .ptr:
            guard let name = DNSRecord.name(text[...]) else { return nil }
            self = .ptr(name)
        case .cname:
            guard let name = DNSRecord.name(text[...]) else { return nil }
            self = .cname(name)
        case .tlsa:
            guard fields.count == 4, let usage = UInt8(fields[0]), let selector = UInt8(fields[1]),
                  let matching = UInt8(fields[2]), let data = DNSRecord.octets(hexadecimal: fields[3]) else { return nil }
            self = .tlsa(usage: usage, selector: selector, matching: matching, data: data)
        }
    }

    private static func name(_ text: Substring) -> String? {
        text == "." ? "" : DNSName.canonical(String(text))
    }

    private static func octets(hexadecimal text: Substring) -> [UInt8]? {
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == text.count, digits.count.isMultiple(of: 2), !digits.isEmpty else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

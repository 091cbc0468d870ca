import DNS
import MessageFormat
import Ports

/// One question to the authentication engine: who sent what in whose name, against which DNS, and when.
struct AuthRequest {
    /// The client; nil where SPF is not to be checked.
    var client: IPAddress?
    /// The argument of HELO or EHLO.
    var helo = ""
    /// The reverse-path without brackets; empty for the null path.
    var reversePath = ""
    /// The message with CRLF line ends; nil where only SPF is checked.
    var message: [UInt8]?
    /// What answers instead of the network.
    var zone: ZoneResolver?
    /// The time of the check; nil for now.
    var at: Timestamp?
}

/// Why a request cannot be done, and what to do about it.
struct AuthRequestError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension AuthRequest {
    /// Reads one line of a batch; `zones` keeps what was parsed before.
    init(_ line: JSONMembers, zones: inout ZoneCache) throws(AuthRequestError) {
        do throws(JSONMembers.Failure) {
            if let ip = try line.string("ip"), !ip.isEmpty { client = try AuthRequest.address(ip) }
            helo = try line.string("helo") ?? ""
            reversePath = AuthRequest.path(try line.string("from") ?? "")
            at = try line.integer("at").map { Timestamp(seconds: $0) }
            message = try line.raw("message").map(AuthRequest.message)
            if let zone = line.raw("zone") { self.zone = try zones.resolver(zone) }
        } catch {
            throw AuthRequestError(error.description)
        }
    }

    /// An address as `--ip` and `"ip"` have it.
    static func address(_ text: String) throws(JSONMembers.Failure) -> IPAddress {
        let bare = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
        guard let address = IPAddress(bare) else {
            throw JSONMembers.Failure("\"\(text)\" is not an IP address: give one such as 192.0.2.1 or 2001:db8::1")
        }
        return address
    }

    /// A reverse-path without the brackets that it may come in.
    static func path(_ text: String) -> String {
        text.hasPrefix("<") && text.hasSuffix(">") ? String(text.dropFirst().dropLast()) : text
    }

    private static func message(_ value: ArraySlice<UInt8>) throws(JSONMembers.Failure) -> [UInt8] {
        guard value.first == UInt8(ascii: "\"") else { throw JSONMembers.Failure("\"message\" must be a string of base64") }
        var text = value.dropFirst().dropLast()
        if text.contains(UInt8(ascii: "\\")) { text = try JSONMembers.unescaped(text)[...] }
        guard let octets = Base64.decode(text, .lenient) else { throw JSONMembers.Failure("\"message\" is not base64") }
        return withCRLF(octets)
    }

    /// `message` with every LF that stands alone turned into CRLF.
    static func withCRLF(_ message: [UInt8]) -> [UInt8] {
        var missing = 0
        var previous: UInt8 = 0
        for octet in message {
            if octet == 0x0a, previous != 0x0d { missing += 1 }
            previous = octet
        }
        if missing == 0 { return message }
        var result: [UInt8] = []
        result.reserveCapacity(message.count + missing)
        previous = 0
        for octet in message {
            if octet == 0x0a, previous != 0x0d { result.append(0x0d) }
            result.append(octet)
            previous = octet
        }
        return result
    }
}

/// The zones of a batch, each parsed once as long as it is in use.
struct ZoneCache {
    /// Zones that are kept; a batch has a few, or a new one in each line.
    private static let capacity = 64
    private var resolvers: [ZoneText: ZoneResolver] = [:]

    /// The text of a zone as it stands in a request; hashed as one run, since lines may be long.
    private struct ZoneText: Hashable {
        let octets: [UInt8]
        func hash(into hasher: inout Hasher) { octets.withUnsafeBytes { hasher.combine(bytes: $0) } }
    }

    /// The resolver of a zone that is given as an object in place, or as the name of a file.
    mutating func resolver(_ value: ArraySlice<UInt8>) throws(JSONMembers.Failure) -> ZoneResolver {
        let key = ZoneText(octets: Array(value))
        if let known = resolvers[key] { return known }
        let text = value.first == UInt8(ascii: "\"") ? try JSONMembers.string(value) : nil
        let resolver: ZoneResolver
        do throws(ZoneError) {
            if let text, text.utf8.first(where: { $0 > 0x20 }) != UInt8(ascii: "{") {
                resolver = ZoneResolver(try Zone(contentsOf: text))
            } else {
                resolver = ZoneResolver(try Zone(json: text.map { Array($0.utf8) } ?? key.octets))
            }
        } catch {
            throw JSONMembers.Failure("zone: \(error)")
        }
        if resolvers.count >= ZoneCache.capacity { resolvers.removeAll(keepingCapacity: true) }
        resolvers[key] = resolver
        return resolver
    }
}

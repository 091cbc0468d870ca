import Glibc
import Ports

/// Why a zone could not be read.
public struct ZoneError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line of the file, or the name in the zone.
    public let place: String
    /// What is wrong there.
    public let reason: String

    /// `mx.example.org: MX "10": expected "PREFERENCE HOST"`.
    public var description: String { "\(place): \(reason)" }
}

/// A small DNS of its own that stands in for the network; `docs/CONFIGURATION.md` has the format.
public struct Zone: Hashable, Sendable {
    /// What is known of one name.
    public struct Entry: Hashable, Sendable {
        /// The records of the types that are listed; a type may be listed without records.
        public var records: [RecordType: [DNSRecord]] = [:]
        /// How questions for types that are not listed end.
        public var status = DNSAnswer.Status.noData
        /// Whether answers about this name are proven by DNSSEC.
        public var isSecure = false
        /// Whether answers about this name fail validation.
        public var isBogus = false
        /// How long an answer about this name takes.
        public var delay = Duration.zero

        /// An entry with `records`, sorted by their type.
        public init(_ records: [DNSRecord] = []) {
            self.records = Dictionary(grouping: records, by: \.type)
        }
    }

    /// The names, in lower case and without the final dot; a name that is not here does not exist.
    public var names: [String: Entry]

    /// A zone of `names`.
    public init(_ names: [String: Entry] = [:]) { self.names = names }

    /// Reads the zone in the file at `path`.
    public init(contentsOf path: String) throws(ZoneError) {
        guard let text = Zone.read(path) else {
            throw ZoneError(place: path, reason: String(cString: strerror(errno)))
        }
        do throws(ZoneError) {
            try self.init(json: text)
        } catch {
            throw ZoneError(place: "\(path): \(error.place)", reason: error.reason)
        }
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return ferror(file) == 0 ? text : nil }
            text.append(contentsOf: buffer[..<count])
        }
    }
}

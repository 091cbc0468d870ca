import CUnbound
import Ports

extension DNSAnswer {
    /// What the library says to `question`, with every record checked.
    init(_ result: ub_result, to question: Question) {
        let name = result.canonname.flatMap { DNSName.canonical(String(cString: $0)) } ?? question.name
        let timeToLive = Duration.seconds(min(max(Int(result.ttl), 0), 86_400))
        // Bogus first: the library fills in the data of an answer that failed validation.
        if result.bogus != 0 {
            let why = result.why_bogus.map { String(cString: $0) } ?? "no reason given"
            self.init(.bogus, timeToLive: timeToLive, canonicalName: name, reason: "DNSSEC validation failed: \(why)")
            return
        }
        let isSecure = result.secure != 0
        if result.havedata != 0 {
            do throws(MalformedRecord) {
                let records = try DNSAnswer.records(result, question.type)
                self.init(.success, records: records, isSecure: isSecure, timeToLive: timeToLive, canonicalName: name)
            } catch {
                self.init(.serverFailure, canonicalName: name, reason: "\(error)")
            }
        } else if result.nxdomain != 0 {
            self.init(.nameError, isSecure: isSecure, timeToLive: timeToLive, canonicalName: name)
        } else if result.rcode == 0 {
            self.init(.noData, isSecure: isSecure, timeToLive: timeToLive, canonicalName: name)
        } else {
            let reason = "the servers of \(question.name) fail (\(DNSAnswer.mnemonic(ofResponseCode: result.rcode)))"
            self.init(.serverFailure, canonicalName: name, reason: reason)
        }
    }

    private static func records(_ result: ub_result, _ type: RecordType) throws(MalformedRecord) -> [DNSRecord] {
        var records: [DNSRecord] = []
        guard let items = result.data, let lengths = result.len else { return [] }
        var index = 0
        while let item = items[index] {
            let octets = UnsafeRawBufferPointer(start: item, count: max(Int(lengths[index]), 0))
            records.append(try DNSRecord(parsing: Array(octets)[...], type: type))
            index += 1
        }
        return records
    }

    /// The mnemonic of a response code (RFC 1035 §4.1.1).
    private static func mnemonic(ofResponseCode code: Int32) -> String {
        switch code {
        case 1: "FORMERR"
        case 2: "SERVFAIL"
        case 4: "NOTIMP"
        case 5: "REFUSED"
        default: "response code \(code)"
        }
    }
}

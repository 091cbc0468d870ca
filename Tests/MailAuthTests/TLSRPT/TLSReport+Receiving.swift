import Foundation
import MailAuth
import MessageFormat
import Ports

extension TLSReport {
    /// A report from parsed JSON, as strict as a test needs it.
    init?(receiving object: Any) {
        guard let top = object as? [String: Any], let range = top["date-range"] as? [String: String],
              let start = range["start-datetime"].flatMap(TLSReport.moment), let end = range["end-datetime"].flatMap(TLSReport.moment),
              let policies = top["policies"] as? [[String: Any]] else { return nil }
        self.init(organization: top["organization-name"] as? String ?? "", start: start, end: end,
                  contact: top["contact-info"] as? String ?? "", id: top["report-id"] as? String ?? "",
                  policies: policies.compactMap(TLSReport.result))
    }

    private static func moment(_ text: String) -> Timestamp? {
        ISO8601DateFormatter().date(from: text).map { Timestamp(seconds: Int64($0.timeIntervalSince1970)) }
    }

    private static func result(_ item: [String: Any]) -> PolicyResult? {
        guard let policy = item["policy"] as? [String: Any], let summary = item["summary"] as? [String: UInt64],
              let type = (policy["policy-type"] as? String).flatMap(PolicyType.init) else { return nil }
        let hosts = policy["mx-host"] as? [String] ?? (policy["mx-host"] as? String).map { [$0] } ?? []
        return PolicyResult(
            policy: Policy(type: type, strings: policy["policy-string"] as? [String] ?? [],
                           domain: policy["policy-domain"] as? String ?? "", mxHosts: hosts),
            successes: summary["total-successful-session-count"] ?? 0, failures: summary["total-failure-session-count"] ?? 0,
            details: (item["failure-details"] as? [[String: Any]] ?? []).compactMap(failure))
    }

    private static func failure(_ item: [String: Any]) -> Failure? {
        guard let type = (item["result-type"] as? String).flatMap(ResultType.init) else { return nil }
        return Failure(type: type, sendingAddress: item["sending-mta-ip"] as? String,
                       receivingHost: item["receiving-mx-hostname"] as? String, receivingHELO: item["receiving-mx-helo"] as? String,
                       receivingAddress: item["receiving-ip"] as? String, sessions: item["failed-session-count"] as? UInt64 ?? 0,
                       additionalInformation: item["additional-information"] as? String, reasonCode: item["failure-reason-code"] as? String)
    }
}

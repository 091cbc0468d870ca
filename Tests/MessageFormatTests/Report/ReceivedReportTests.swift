import Foundation
import MessageFormat
import Testing

@Suite(.enabled(if: SuiteFolder.exists("dsn"), "suite dsn is absent")) struct ReceivedReportTests {
    private func report(_ name: String) throws -> (ReceivedReport, [UInt8]) {
        let bytes = Array(try SuiteFolder.data("dsn/" + name))
        return (try ReceivedReport(parsing: bytes.span), bytes)
    }

    @Test(arguments: ["kumomta/1.eml", "enmime/simple_dsn.raw", "enmime/simple_dsn_with_html.raw"])
    func failedOnce(name: String) throws {
        let (report, bytes) = try report(name)
        #expect(report.status.reportingMTA == .dns("cs.utk.edu"))
        #expect(report.status.recipients.count == 1)
        let recipient = try #require(report.status.recipients.first)
        #expect(recipient.originalRecipient?.address?.description == "louisl@larry.slip.umd.edu")
        #expect(recipient.finalRecipient == TypedText(type: "rfc822", "louisl@larry.slip.umd.edu"))
        #expect(recipient.action == .failed)
        #expect(recipient.status == StatusCode(4, 0, 0))
        #expect(recipient.diagnosticCode == .smtp("426 connection timed out"))
        #expect(recipient.lastAttemptDate?.description == "Thu, 7 Jul 1994 17:15:49 -0400")
        #expect(report.text.map { !bytes[$0].isEmpty } == true)
        #expect(report.returned.map { String(decoding: bytes[$0], as: UTF8.self).trimmingCharacters(in: .newlines) } == "[original message goes here]")
    }

    @Test(arguments: ["kumomta/2.eml", "enmime/multi_recipient_dsn.raw"])
    func threeRecipients(name: String) throws {
        let (report, _) = try report(name)
        let recipients = report.status.recipients
        #expect(recipients.map(\.finalRecipient.text) == ["arathib@vnet.ibm.com", "johnh@hpnjld.njd.hp.com", "wsnell@sdcc13.ucsd.edu"])
        #expect(recipients.map(\.action) == [.failed, .delayed, .failed])
        #expect(recipients.map(\.status.description) == ["5.0.0", "4.0.0", "5.0.0"])
        #expect(recipients[0].diagnosticCode == .smtp("550 'arathib@vnet.IBM.COM' is not a  registered gateway user"))
        #expect(recipients.map(\.remoteMTA?.text) == ["vnet.ibm.com", nil, "sdcc13.ucsd.edu"])
    }

    @Test func foreignMailSystem() throws {
        let (report, _) = try report("kumomta/3.eml")
        #expect(report.status.reportingMTA == TypedText(type: "mailbus", "SYS30"))
        #expect(report.status.recipients.map(\.finalRecipient) == [TypedText(type: "unknown", "nair_s")])
        #expect(report.status.recipients.map(\.finalRecipient.address) == [nil])
        #expect(report.returned == nil)
    }

    @Test(arguments: ["kumomta/4.eml", "enmime/delayed_dsn.raw"])
    func delayed(name: String) throws {
        let (report, _) = try report(name)
        #expect(report.status.reportingMTA == .dns("sun2.nsfnet-relay.ac.uk"))
        #expect(report.status.recipients.map(\.action) == [.delayed])
        #expect(report.status.recipients.map(\.finalRecipient.address?.description) == ["thomas@de-montfort.ac.uk"])
    }

    @Test func postfix() throws {
        let (report, bytes) = try report("kumomta/5.eml")
        #expect(report.status.arrivalDate?.description == "Wed, 29 Jan 2025 17:36:51 +0100")
        #expect(report.status.extensionFields == [ReportField("X-Postfix-Queue-ID", "897DAC0"), ReportField("X-Postfix-Sender", "rfc822; user@example.com")])
        #expect(report.status.recipients.map(\.diagnosticCode?.text) == ["552 <recipient@domain.com> rejected: over quota"])
        #expect(report.returned.map { String(decoding: bytes[$0], as: UTF8.self).trimmingCharacters(in: .newlines) } == "[original message goes here]")
    }

    @Test func bracketsAndFoldedDiagnostic() throws {
        let (report, _) = try report("kumomta/6.eml")
        let recipient = try #require(report.status.recipients.first)
        #expect(recipient.finalRecipient.address?.description == "redacted@example.com")
        #expect(recipient.diagnosticCode?.text.contains("says: 550 5.4.1 Recipient address rejected") == true)
        #expect(report.returned != nil)
    }

    @Test func obsoleteDate() throws {
        let (report, _) = try report("kumomta/obsolete_arrival_date.eml")
        #expect(report.status.arrivalDate?.description == "Thu, 2 Jul 2026 18:55:38 +0000")
        #expect(report.status.recipients.map(\.status) == [StatusCode(5, 1, 1)])
        #expect(report.text != nil)
    }

    @Test func multipartAlternative() throws {
        let (report, _) = try report("enmime/dsn_with_multipart_alternative.raw")
        #expect(report.status.receivedFromMTA == .dns("some.example.com"))
        #expect(report.status.recipients.map(\.status.description) == ["5.1.10"])
    }

    @Test func everyPrefixIsSafe() throws {
        let bytes = Array(try SuiteFolder.data("dsn/kumomta/6.eml"))
        for length in 0...bytes.count {
            let prefix = Array(bytes[..<length])
            _ = try? ReceivedReport(parsing: prefix.span)
        }
    }
}

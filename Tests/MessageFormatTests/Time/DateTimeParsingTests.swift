import Foundation
import MessageFormat
import Ports
import Testing

@Suite struct DateTimeParsingTests {
    @Test(arguments: [
        ("Sat, 21 Nov 2026 18:59:15 +0000", "Sat, 21 Nov 2026 18:59:15 +0000"),
        ("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "Fri, 21 Nov 1997 09:55:06 -0600"),
        ("21 Nov 97 09:55:06 GMT", "Fri, 21 Nov 1997 09:55:06 +0000"),
        ("Thu,\r\n 13 Feb 1969 23:32 -0330 (Newfoundland (Time))", "Thu, 13 Feb 1969 23:32:00 -0330"),
        ("Thu, 02 Jul 26 18:55:38 UTC", "Thu, 2 Jul 2026 18:55:38 +0000"),
        ("7-Jul-94 17:15:49 EDT", "Thu, 7 Jul 1994 17:15:49 -0400"), ("1 Jan 100 00:00:00 Z", "Sat, 1 Jan 2000 00:00:00 +0000"),
        ("31 Dec 2008 23:59:60 +0000", "Thu, 1 Jan 2009 00:00:00 +0000"), ("1 Feb 2024 00:00", "Thu, 1 Feb 2024 00:00:00 +0000"),
    ])
    func reads(text: String, canonical: String) {
        #expect(DateTime(parsing: text)?.description == canonical)
    }

    @Test(arguments: ["", "x", "32 Jan 2020 00:00 +0000", "30 Feb 2020 00:00 +0000", "1 Jan 2020 24:00 +0000", "1 Jan 2020 00:60 +0000",
                      "1 Jan 2020 00:00:61 +0000", "1 Foo 2020 00:00 +0000", "1 Jan 2020 00:00 +00", "1 Jan 2020 00:00 +0060",
                      "1 Jan 99999 00:00 +0000", "1 Jan 2020", "1 Jan 2020 00", "(", "1 (", "99999999999999999999 Jan 2020 00:00"])
    func refuses(text: String) { #expect(DateTime(parsing: text) == nil) }

    @Test func whatIsWrittenIsRead() {
        var seconds: Int64 = -9_000_000_000
        while seconds < 9_000_000_000 {
            for offset in [0, -330, 765] {
                let date = DateTime(Timestamp(seconds: seconds), offsetMinutes: offset)
                #expect(DateTime(parsing: date.description) == date)
            }
            seconds += 86_399 * 97
        }
    }

    struct JSMimeCase: Decodable {
        let suite: String
        let data: [String?]
    }

    @Test(.enabled(if: SuiteFolder.exists("header-jsmime"), "suite header-jsmime is absent"))
    func jsMime() throws {
        var count = 0
        for test in try JSONDecoder().decode([LossyCase].self, from: SuiteFolder.data("header-jsmime/cases.json")).compactMap(\.value)
        where test.suite == "parseDateHeader" {
            count += 1
            let parsed = (test.data.first ?? nil).flatMap { DateTime(parsing: $0) }
            guard let expected = test.data.last ?? nil else {
                #expect(parsed == nil)
                continue
            }
            let format = ISO8601DateFormatter()
            format.formatOptions = [.withInternetDateTime]
            #expect(parsed?.timestamp.seconds == format.date(from: expected).map { Int64($0.timeIntervalSince1970) }, "\(test.data)")
        }
        #expect(count == 59)
    }

    /// Cases of the other parts of the suite have other shapes.
    private struct LossyCase: Decodable {
        let value: JSMimeCase?
        init(from decoder: any Decoder) throws { value = try? JSMimeCase(from: decoder) }
    }
}

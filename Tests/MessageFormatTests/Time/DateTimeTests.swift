import MessageFormat
import Ports
import Testing

@Suite struct DateTimeTests {
    @Test(arguments: [
        (0, 0, "Thu, 1 Jan 1970 00:00:00 +0000"), (1_795_287_555, 0, "Sat, 21 Nov 2026 18:59:15 +0000"),
        (-1, 0, "Wed, 31 Dec 1969 23:59:59 +0000"), (951_782_400, 0, "Tue, 29 Feb 2000 00:00:00 +0000"),
        (1_795_287_555, -210, "Sat, 21 Nov 2026 15:29:15 -0330"), (1_795_287_555, 330, "Sun, 22 Nov 2026 00:29:15 +0530"),
        (4_107_542_400, 0, "Mon, 1 Mar 2100 00:00:00 +0000"),
    ] as [(Int64, Int, String)])
    func writes(seconds: Int64, offset: Int, text: String) {
        #expect(DateTime(Timestamp(seconds: seconds), offsetMinutes: offset).description == text)
        if offset == 0 { #expect(DateTime.wire(Timestamp(seconds: seconds)) == text) }
    }

    @Test func writesRFC3339() {
        #expect(DateTime.rfc3339(Timestamp(nanoseconds: 1_795_287_555_042_999_999)) == "2026-11-21T18:59:15.042Z")
        #expect(DateTime.rfc3339(Timestamp(nanoseconds: -1)) == "1969-12-31T23:59:59.999Z")
    }

    @Test func theEndsOfTimeDoNotTrap() {
        #expect(DateTime.wire(.distantFuture).hasSuffix("2262 23:47:16 +0000"))
        #expect(DateTime(.distantPast, offsetMinutes: .min).description.contains("1677"))
    }
}

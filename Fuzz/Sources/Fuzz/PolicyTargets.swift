import DNS
@testable import MailAuth
import MessageFormat
import Ports

/// SPF: a record and its macros as a stranger's name server gives them. A check ends, once, within its lookups.
let spfTarget = FuzzTarget(
    name: "spf", maxLength: 1024,
    seeds: ["v=spf1 a mx/24//64 ip4:192.0.2.0/24 ip6:2001:db8::/32 include:b.example exists:%{ir}.%{l1r-}.%{d2}.example ?ptr redirect=b.example\0v=spf1 a:%{h} -all exp=e.b.example\0%{i} is not %{s}%_%%%-",
            "v=spf1 include:a.example -all", "v=spf1 exists:%{l}.%{o}.%{d}.%{i}.%{p}.%{v}.%{h} +all\0v=spf1 -all"].map(\.octets),
    words: ["v=spf1 ", "include:", "redirect=", "exists:", "exp=", "%{", "1r-}", "a.example", "b.example", "/32", "//128", "-all", "ptr", "\0"]) { bytes in
    let texts = bytes.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false).map(Array.init)
    for text in texts {
        guard let record = try? SPFRecord(parsing: text) else { continue }
        check(record.directives.count <= text.count, "more directives than octets")
    }
    func txt(_ index: Int) -> [DNSRecord] { texts.indices.contains(index) ? [.txt(texts[index])] : [] }
    let zone = Zone([
        "a.example": Zone.Entry(txt(0) + [.a(.loopback), .mx(preference: 1, exchange: "b.example")]),
        "b.example": Zone.Entry(txt(1) + [.a(.loopback)]), "e.b.example": Zone.Entry(txt(2)),
        "1.0.0.127.in-addr.arpa": Zone.Entry([.ptr("a.example"), .ptr("b.example")]),
    ])
    let loop = QuestionLoop()
    let lookups = Lookups(ZoneResolver(zone), on: loop, deadline: loop.now + .seconds(20))
    nonisolated(unsafe) var results: [SPFResult] = []
    SPFCheck.run(SPFRequest(client: bytes.count % 2 == 0 ? .v4(0xc000_0201) : .loopback, helo: "b.example", mailFrom: "l-o.c+al@a.example"), lookups) {
        results.append($0)
    }
    check(loop.run(limit: 20_000), "a check without end")
    check(results.count == 1, "\(results.count) results")
    check(lookups.asked.count <= 200, "\(lookups.asked.count) questions")
}

/// `Authentication-Results` of strangers: what was read can be written and is then the same.
let resultsTarget = FuzzTarget(
    name: "results", maxLength: 1024,
    seeds: ["mx.example; none", "mx.example 1; spf=pass smtp.mailfrom=a.example; dkim=fail (bad) reason=\"no \\\"key\\\"\" header.d=a.example header.b=ab/+",
            "\"mx example\" ; auth/1 = pass (cram) smtp.auth=x@y ; dmarc = none header.from = (c (n)) b.example"].map(\.octets),
    words: ["; ", "=pass", " reason=", "\"", "\\", "(", ")", "header.", "smtp.", "/1", "none", "=?utf-8?q?x?="]) { bytes in
    _ = AuthenticationResults.claims("mx.example", body: bytes[...])
    guard let results = try? AuthenticationResults(parsing: bytes[...]) else { return }
    guard let again = try? AuthenticationResults(parsing: results.body) else { fail("written results cannot be read: \(results.body.debugDescription)") }
    check(results.body.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }, "a body with controls")
    // A control in a quoted string, and a fold, come back as a blank.
    guard bytes.contains(where: { $0 < 0x20 || $0 == 0x7f }) || again.service == results.service, again.methods.count == results.methods.count else {
        fail("results come back changed: \(results.body.debugDescription)")
    }
    for (one, other) in zip(results.methods, again.methods) {
        check(one.method == other.method && one.result == other.result, "\(one.method)=\(one.result) came back as \(other.method)=\(other.result)")
        check(one.properties.count == other.properties.count, "properties were lost or made")
    }
}

/// The records by which domains say what they want: DMARC, MTA-STS with its policy file, TLS-RPT.
let policyTarget = FuzzTarget(
    name: "policies", maxLength: 2048,
    seeds: ["v=DMARC1; p=quarantine; sp=reject; np=none; t=y; psd=u; adkim=s; aspf=r; rua=mailto:a@b.example!10m,https://b.example/; fo=1:d", "v=STSv1; id=20260101T000000;",
            "version: STSv1\r\nmode: enforce\r\nmx: *.a.example\r\nmx: mx.a.example\nmax_age: 604800\n", "v=TLSRPTv1; rua=mailto:a@b.example,https://b.example/x%20y"].map(\.octets),
    words: ["v=DMARC1", "; p=", "rua=", "mailto:", "!10m", "v=STSv1", "id=", "version: STSv1\n", "mode: ", "mx: ", "max_age: ", "*.", "v=TLSRPTv1", ";"]) { bytes in
    _ = try? DMARCRecord(parsing: bytes)
    if let record = MTASTSRecord(bytes) { check((1...32).contains(record.id.utf8.count), "an id of \(record.id.utf8.count) octets") }
    if let policy = try? MTASTSPolicy(parsing: bytes) {
        check(policy.mode == .none || !policy.mx.isEmpty, "a policy that permits no host")
        check(!policy.permits("") && !policy.permits("."), "no host is permitted")
        var cache = MTASTSCache()
        let now = Timestamp(seconds: 1_800_000_000)
        cache.keep(MTASTSCache.Entry(id: "x", policy: policy, fetched: now), for: "a.example")
        let again = MTASTSCache(decoding: cache.encoded(at: now), at: now)
        check(again.entry(for: "a.example", at: now)?.policy == cache.entry(for: "a.example", at: now)?.policy, "a policy does not come back")
    }
    _ = MTASTSCache(decoding: bytes, at: Timestamp(seconds: 1_800_000_000))
    if let record = TLSRPTRecord(bytes) { check(record.reportAddresses.count <= TLSRPTRecord.maxAddresses, "too many addresses") }
    let tally = TLSReportTally(decoding: bytes)
    check(TLSReportTally(decoding: tally.encoded).encoded == tally.encoded, "a tally comes back changed")
}

/// TLSA records and the certificates that they are held against.
let tlsaTarget = FuzzTarget(
    name: "tlsa", maxLength: 1024,
    seeds: [[3, 1, 1] + Array(repeating: 7, count: 32), [2, 0, 2] + Array(repeating: 7, count: 64), [3, 0, 0, 0x30, 0x03, 0x30, 0x01, 0x00], [1, 1, 0]]) { bytes in
    guard let record = try? DNSRecord(parsing: bytes[...], type: .tlsa), let tlsa = TLSARecord(record) else { return }
    check(tlsa.text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x80 } && tlsa.description.utf8.count <= 64, "a text that is none")
    check(tlsa.text.utf8.count <= 2 * 512 + 16, "a text without limit")
}

/// The ARC fields of a message: a chain has each instance once, and a made-up one does not pass.
let arcTarget = FuzzTarget(
    name: "arc", maxLength: 4096,
    seeds: ["ARC-Seal: i=1; a=rsa-sha256; t=1; cv=none; d=a.example; s=s; b=AAAA\r\nARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=s; t=1; h=From:To; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\nARC-Authentication-Results: i=1; a.example; spf=pass smtp.mailfrom=a@a.example\r\nFrom: a@a.example\r\n\r\n"]
        .map(\.octets),
    words: ["ARC-Seal: ", "ARC-Message-Signature: ", "ARC-Authentication-Results: ", "i=2; ", "cv=pass; ", "\r\n", "b=", "bh=", "d=", "s="]) { bytes in
    guard let header = try? MessageHeader(scanning: bytes) else { return }
    if let chain = try? ARCSet.chain(of: header) {
        check(chain.map(\.instance) == Array(1..<(chain.count + 1)), "instances \(chain.map(\.instance))")
    }
    let loop = QuestionLoop()
    let key = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
    let zone = Zone(["s._domainkey.a.example": Zone.Entry([.txt(key.octets)])])
    let bodies = BodyHashes()
    let verifier = ARCVerifier(header, bodies: bodies, Lookups(ZoneResolver(zone), on: loop, deadline: loop.now + .seconds(20)))
    bodies.finish()
    nonisolated(unsafe) var results: [ARCResult] = []
    verifier.verify { results.append($0) }
    check(loop.run(limit: 5000), "a verification without end")
    check(results.count == 1, "\(results.count) results")
    check(results.first?.result != .pass, "a made-up chain passes")
}


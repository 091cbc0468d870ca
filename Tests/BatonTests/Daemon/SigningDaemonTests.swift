@testable import baton
import DNS
import MailAuth
import MessageFormat
import Ports
import Sockets
import Synchronization
import Testing

@Suite("Signing in the daemon") struct SigningDaemonTests {
    @Test("Mail of the relay's own users leaves signed, small or large; a reload takes new keys") func signs() async throws {
        let folder = try TemporaryFolder()
        folder.makeFolder("dkim")
        let maker = KeyMaker(directory: KeyDirectory(path: folder.path + "/dkim"))
        let domain = try Domain(parsing: "signed.example")
        var keys = [try maker.make(.rsa, bits: 2048, domain: domain, selector: "r", stage: .active)]
        let text = RunningDaemon.configuration(20, "dkim: {directory: dkim}")
            .replacing("relayNetworks: []", with: "relayNetworks: [127.0.0.0/8]")
        let running = try RunningDaemon(20, text, in: folder)
        let large = String(repeating: "A line  of a large message \r\n", count: 20_000)
        for (index, body) in ["hi\r\n", large].enumerated() {
            let id = try running.send(to: "alice@here.example", "From: x@signed.example\r\nSubject: \(index)\r\n\r\n\(body)")
            _ = try #require(running.log.line(with: id, "outcome=delivered"))
        }
        keys.append(try maker.make(.ed25519, bits: 0, domain: domain, selector: "e", stage: .active))
        _ = try running.daemon.reload()
        let id = try running.send(to: "alice@here.example", "From: x@signed.example\r\nSubject: 2\r\n\r\nhi\r\n")
        _ = try #require(running.log.line(with: id, "outcome=delivered"))
        let foreign = try running.send(to: "alice@here.example", "From: x@other.example\r\nSubject: 3\r\n\r\nhi\r\n")
        _ = try #require(running.log.line(with: foreign, "outcome=delivered"))

        let zone = Zone(Dictionary(uniqueKeysWithValues: keys.map { ($0.recordName, Zone.Entry([.txt(Array(PublishedKey($0).text.utf8))])) }))
        let messages = try running.messages("here.example/alice")
        #expect(messages.count == 4)
        for message in messages {
            let octets = Array(message.replacing("\n", with: "\r\n").utf8)
            let results = try await SigningDaemonTests.verify(octets, zone)
            let subject = message.firstMatch(of: /\nSubject: (\d)/)?.1
            let expected: [AuthenticationResult] = subject == "3" ? [] : subject == "2" ? [.pass, .pass] : [.pass]
            #expect(results.map(\.result) == expected, "subject \(subject ?? ""): \(results)")
        }
        await running.stop()
    }

    private static func verify(_ octets: [UInt8], _ zone: Zone) async throws -> [DKIMResult] {
        let header = try MessageHeader(scanning: octets)
        let loops = LoopGroup(count: 1)
        let loop = loops.loops[0]
        defer { loops.shutdown {} }
        return await withCheckedContinuation { answered in
            loop.execute {
                let bodies = BodyHashes()
                let verifier = DKIMVerifier(header, bodies: bodies)
                bodies.receive(octets[header.section.bodyStart...])
                let lookups = Lookups(ZoneResolver(zone), on: loop, deadline: loop.now + .seconds(10))
                verifier.finish(lookups) { answered.resume(returning: $0) }
            }
        }
    }
}

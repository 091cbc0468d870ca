import Cryptography
import Ports
@testable import SMTP

/// The messages of SASL mechanisms: any order of nonsense is refused, and nobody gets in without the password.
let saslTarget = FuzzTarget(
    name: "sasl", maxLength: 1024,
    seeds: [[0] + "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL".octets, [0] + "n,a=boss,n=us=2Cer=3D,r=abc\0c=biws,r=abcserver,p=AAAA".octets,
            [1] + "\0user\0pencil".octets, [1] + "boss\0user\0pencil".octets, [2] + "n,a=u,\u{1}host=h\u{1}port=1\u{1}auth=Bearer abc\u{1}\u{1}".octets,
            [2] + "user=u\u{1}auth=Bearer abc\u{1}\u{1}".octets, [3] + "r=cnonceserver,s=QSXCR+Q6sek8bd92,i=4096\0v=AAAA".octets, [4] + "dXNlcgBwZW5jaWw=".octets],
    words: ["n,,", "y,,", "n=", "r=", "c=biws", "p=", "v=", "s=", "i=4096", "\0", "\u{1}", "auth=Bearer ", "=2C", "=3D", "e=other-error"]) { bytes in
    guard let first = bytes.first else { return }
    let messages = bytes.dropFirst().split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false).map(Array.init)
    let opening = messages.first ?? []
    switch first % 5 {
    case 0: checkServer(opening, messages.last ?? [])
    case 1:
        guard let plain = PlainMessage(Array(bytes.dropFirst())) else { return }
        check(!plain.name.isEmpty && !plain.name.utf8.contains(0) && !plain.password.octets.contains(0), "a name with NUL")
        if plain.authorization == nil {
            check(PlainMessage(PlainMessage.encode(name: plain.name, password: plain.password)) == plain, "PLAIN does not come back")
        }
    case 2:
        for message in [BearerMessage(oauthBearer: Array(bytes.dropFirst())), BearerMessage(xoauth2: Array(bytes.dropFirst()))] {
            guard let message else { continue }
            check(message.token.octets.allSatisfy { (0x21...0x7e).contains($0) }, "a token with controls")
        }
    case 3: checkClient(opening, messages.last ?? [])
    default:
        guard let octets = SASLBase64.decode(bytes.dropFirst()) else { return }
        check(SASLBase64.encode(octets) == Array(bytes.dropFirst()), "two ways to write the same octets")
    }
}

private let keys = try? SCRAMKeys(password: Secret("pencil"), salt: [1, 2, 3, 4], iterations: 4096)

private func checkServer(_ opening: [UInt8], _ final: [UInt8]) {
    guard let keys, var server = SCRAMServer(clientFirst: opening) else { return }
    check(server.name.unicodeScalars.count <= 255, "a name of \(server.name.unicodeScalars.count)")
    let challenge = server.serverFirst(keys, nonce: "server".octets)
    check(challenge.allSatisfy { $0 > 0x20 && $0 < 0x7f }, "a challenge that is no text")
    if let verdict = server.verify(clientFinal: final) { check(!verdict.isValid, "a made-up proof passes") }
}

private func checkClient(_ serverFirst: [UInt8], _ serverFinal: [UInt8]) {
    var client = SCRAMClient(name: "us,er=", password: Secret("pencil"), nonce: "cnonce".octets)
    check(SCRAMServer(clientFirst: client.clientFirst)?.name == "us,er=", "our first message is not understood")
    // Many rounds are slow by design: only those that a server usually asks for.
    guard let parsed = SCRAMMessages.ServerFirst(serverFirst), parsed.iterations <= 4096 else { return }
    guard client.clientFinal(serverFirst: serverFirst) != nil else { return }
    check(parsed.nonce.starts(with: "cnonce".utf8) && parsed.nonce.count > 6, "a nonce that does not begin with ours")
    check(!client.isValid(serverFinal: serverFinal), "a made-up server is believed")
}

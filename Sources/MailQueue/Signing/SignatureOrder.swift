import Cryptography
import MailAuth
import MessageFormat
import Ports

/// What is to be put on top of a message once a private key has been used: all that is needed to do that anywhere.
struct SignatureOrder: Sendable {
    /// Which fields are made.
    enum Kind: Sendable {
        /// A DKIM-Signature of each key.
        case signatures(DKIMSigner, [DKIMKey])
        /// An ARC set, which tells what `service` found out about the message and its chain.
        case seal(ARCSealer, service: Domain, chain: ARCResult)
    }

    let kind: Kind
    let header: MessageHeader
    let bodyHash: [UInt8]
    let time: Timestamp

    /// The fields; none where the state of the ARC chain forbids another set (RFC 8617 §5.1).
    func fields() throws(CryptographyError) -> [UInt8] {
        switch kind {
        case .signatures(let signer, let keys): return try signer.sign(header, bodyHash: bodyHash, keys: keys, at: time)
        case .seal(let sealer, let service, let chain):
            let results = ARCSealer.results(of: service.ascii, in: header)
            do throws(ARCSealer.Failure) {
                return try sealer.seal(header, bodyHash: bodyHash, chain: chain, results: results, at: time)
            } catch {
                switch error {
                case .key(let failure): throw failure
                case .chainIsClosed, .tooManySets, .chainIsUnknown: return []
                }
            }
        }
    }
}

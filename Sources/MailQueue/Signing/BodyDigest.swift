import MailAuth

/// The hash that a signature needs of one message's body, computed while the message arrives.
///
/// Confined to whoever feeds it.
public final class BodyDigest {
    private let bodies = BodyHashes()
    private let request: BodyHashes.Request

    /// A digest for signatures of `signer`.
    public init(_ signer: DKIMSigner) { request = signer.bodyHash(in: bodies) }

    /// A digest for sets of `sealer`.
    public init(_ sealer: ARCSealer) { request = sealer.request(bodies) }

    /// Takes the next octets of the body: what follows the empty line after the header.
    public func receive(_ octets: ArraySlice<UInt8>) { bodies.receive(octets) }

    /// The hash of all that came.
    public func finish() -> [UInt8] {
        bodies.finish()
        return bodies.value(request).hash
    }
}

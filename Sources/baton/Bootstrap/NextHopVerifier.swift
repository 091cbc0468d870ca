import Delivery
import MessageFormat
import Ports
import Receiving

/// Asks next hops about addresses for the receiving side, which knows nothing of deliveries.
struct NextHopVerifier: AddressVerifier {
    let prober: RecipientProber
    let core: any Loop

    func verify(_ address: EmailAddress, on loop: any Loop, completion: @escaping @Sendable (AddressStanding) -> Void) {
        core.execute {
            prober.probe(address) { finding in
                let standing: AddressStanding = switch finding {
                case .taken: .good
                case .refused(let reply): .bad(reply)
                case .unknown(let why), .unreachable(let why): .unknown(why)
                }
                loop.execute { completion(standing) }
            }
        }
    }
}

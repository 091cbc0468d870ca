import Events
import SMTP

/// Why there is no way to deliver to a destination, whatever is tried.
///
/// The raw value travels through the scheduler as `Resolution.undeliverable(failure:)`; routes that
/// reject use the numbers from `firstRejectingRoute` on.
public enum RouteFailure: UInt32, Sendable, CaseIterable {
    /// The domain takes no mail: null MX (RFC 7505).
    case nullMX = 1
    /// The domain does not exist.
    case noSuchDomain = 2
    /// The domain has neither MX nor address.
    case noMailHost = 3
    /// The best MX is this host itself, which does not take the domain as its own (RFC 5321 §5.1).
    case loopsBack = 4
    /// The MX records name nothing that can be a host.
    case malformedMX = 5

    /// The number that stands for a rejection by the first route; the others follow.
    public static let firstRejectingRoute: UInt32 = 1000

    /// What the sender is told.
    public var diagnosis: Diagnosis {
        switch self {
        case .nullMX:
            Diagnosis(status: .init(5, 1, 10), explanation: "The domain accepts no mail (null MX).", bounceClass: .unknownDomain)
        case .noSuchDomain:
            Diagnosis(status: .init(5, 1, 2), explanation: "The domain does not exist.", bounceClass: .unknownDomain)
        case .noMailHost:
            Diagnosis(status: .init(5, 1, 2), explanation: "The domain has no mail host and no address.",
                      bounceClass: .unknownDomain)
        case .loopsBack:
            Diagnosis(status: .init(5, 4, 6),
                      explanation: "Mail for the domain comes back to this host, which does not take it as its own.",
                      bounceClass: .loop)
        case .malformedMX:
            Diagnosis(status: .init(5, 1, 2), explanation: "The MX records of the domain name no usable host.",
                      bounceClass: .unknownDomain)
        }
    }
}

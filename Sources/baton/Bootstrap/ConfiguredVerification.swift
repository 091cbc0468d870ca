import Configuration
import MessageFormat
import Receiving

extension BatonConfiguration {
    /// How `listener` verifies senders; nil when it does not.
    func verificationSettings(of listener: ListenerConfiguration) -> VerificationSettings? {
        var settings = VerificationSettings(service: verification.authservID ?? hostname)
        switch listener.verification ?? (listener.dialect == .smtp ? verification.mode : .off) {
        case .off: return nil
        case .log: settings.mode = .log
        case .enforce: settings.mode = .enforce
        }
        settings.spfFailure = verification.spfFail == .reject ? .reject : .accept
        settings.dmarcRejection = switch verification.dmarcReject {
        case .honour: .honour
        case .quarantine: .quarantine
        case .tag: .tag
        }
        settings.quarantine = verification.quarantine == .hold ? .hold : .tag
        settings.authorless = verification.authorless == .reject ? .reject : .accept
        settings.trustedForwarders = verification.trustedForwarders
        settings.trustedSealers = Set(verification.trustedSealers)
        settings.exemptAuthors = verification.exemptAuthors
        settings.maxLookups = verification.maxLookups
        settings.timeout = verification.timeout
        settings.headerLimits = HeaderLimits(octets: limits.maxHeaderSize, fields: limits.maxHeaderFields)
        return settings
    }
}

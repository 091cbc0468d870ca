import DNS
import MailAuth
import MessageFormat
import Ports
import SMTP

/// Finds out on whose behalf one message comes: SPF from MAIL on, everything else when the message is there.
///
/// The message is given in parts as they come and hashed at once; it is never copied nor read again.
/// All DNS questions come out of one budget. Confined to the loop of its session.
final class MessageVerifier {
    let settings: VerificationSettings
    let client: IPAddress
    private let lookups: Lookups
    private let authentication: MessageAuthentication
    private let mailFromRequest: SPFRequest
    let heloRequest: SPFRequest?

    /// What SPF says of the reverse-path; of the HELO name where that is null.
    private(set) var mailFrom: SPFResult?
    /// What SPF says of the HELO name, unless `mailFrom` does.
    private(set) var helo: SPFResult?
    /// Whether address and name of the client agree.
    private(set) var reverseNames: ReverseNames?
    private var openChecks = 0
    private var waiting: [() -> Void] = []

    init(_ settings: VerificationSettings, client: IPAddress, helo: String, reversePath: ReversePath,
         resolver: any Resolver, on loop: any Loop) {
        self.settings = settings
        self.client = client
        lookups = Lookups(resolver, on: loop, limit: settings.maxLookups, deadline: loop.now + settings.timeout)
        let receiver = settings.service.ascii
        mailFromRequest = SPFRequest(client: client, helo: helo, reversePath: reversePath, receiver: receiver)
        heloRequest = reversePath == .null ? nil : .helo(helo, client: client, receiver: receiver)
        var methods = MessageAuthentication.Settings()
        methods.header = settings.headerLimits
        methods.trustedSealers = settings.trustedSealers
        let sender = reversePath.address.map { $0.localPart + "@" + $0.host.description } ?? ""
        authentication = MessageAuthentication(
            .init(client: client, helo: helo, mailFrom: sender, receiver: receiver), lookups, methods)
    }

    // MARK: The envelope

    /// Starts what can be found out before the message comes.
    func begin() {
        openChecks = heloRequest == nil ? 2 : 3
        SPFCheck.run(mailFromRequest, lookups) { [self] result in
            mailFrom = result
            authentication.take(result)
            checkEnded()
        }
        if let heloRequest {
            SPFCheck.run(heloRequest, lookups) { [self] result in
                helo = result
                checkEnded()
            }
        }
        ReverseNames.find(of: client, lookups) { [self] names in
            reverseNames = names
            checkEnded()
        }
    }

    private func checkEnded() {
        openChecks -= 1
        guard openChecks == 0 else { return }
        let jobs = waiting
        waiting = []
        for job in jobs { job() }
    }

    /// Whether the envelope's results are there.
    var isEnvelopeKnown: Bool { openChecks == 0 }

    /// Calls `job` when the envelope's results are there, perhaps before this returns.
    func whenEnvelopeKnown(_ job: @escaping () -> Void) {
        if isEnvelopeKnown { job() } else { waiting.append(job) }
    }

    // MARK: The message

    /// Takes the next part of the message as it was received.
    func receive(_ part: [UInt8]) { authentication.receive(part[...]) }

    /// The message has come in whole; `completion` is called once, on the loop, perhaps before this returns.
    func finish(completion: @escaping (MessageVerdict) -> Void) {
        lookups.allow(until: lookups.loop.now + settings.timeout)
        whenEnvelopeKnown { [self] in
            authentication.finish { [self] report in completion(verdict(report)) }
        }
    }
}

import DNS
import MessageFormat
import Ports

/// Authenticates one message by all methods at once: SPF, DKIM, DMARC and ARC under one budget of lookups.
///
/// ```
/// let authentication = MessageAuthentication(subject, lookups)
/// authentication.receive(chunk)            // as often as chunks come, lines ending in CRLF
/// authentication.finish { report in … }    // once, on the loop of `lookups`
/// ```
/// The body is hashed while it comes and never kept. Confined to the loop of its lookups, whose clock says what has expired.
public final class MessageAuthentication {
    /// Who hands the message over.
    public struct Subject: Hashable, Sendable {
        /// The client; nil where SPF is not to be checked.
        public var client: IPAddress?
        /// The argument of HELO or EHLO.
        public var helo: String
        /// The reverse-path without brackets; empty for the null path.
        public var mailFrom: String
        /// The name of the host that checks.
        public var receiver: String
        /// What SPF said already, when it was asked before the message came.
        public var spf: SPFResult?

        /// An envelope and where it comes from.
        public init(client: IPAddress?, helo: String, mailFrom: String, receiver: String = "unknown", spf: SPFResult? = nil) {
            self.client = client
            self.helo = helo
            self.mailFrom = mailFrom
            self.receiver = receiver
            self.spf = spf
        }
    }

    /// How messages are authenticated.
    public struct Settings: Sendable {
        /// The limits of SPF.
        public var spf = SPFLimits.standard
        /// How DKIM signatures are verified.
        public var dkim = DKIMVerifierSettings.standard
        /// How much header is read.
        public var header = HeaderLimits.standard
        /// Sealers whose word on DMARC stands in for ours where mail was forwarded.
        public var trustedSealers: Set<Domain> = []

        /// The documented defaults.
        public init() {}
    }

    private var subject: Subject
    private let lookups: Lookups
    private let settings: Settings
    private let bodies = BodyHashes()
    private var splitter: MessageSplitter
    private var state = State.header
    private var dkim: DKIMVerifier?
    private var arc: ARCVerifier?
    private var report = AuthenticationReport()
    private var open = 0

    private enum State {
        case header, body, tooLong
    }

    /// Authenticates what `subject` hands over; questions count against `lookups`.
    public init(_ subject: Subject, _ lookups: Lookups, _ settings: Settings = Settings()) {
        self.subject = subject
        self.lookups = lookups
        self.settings = settings
        splitter = MessageSplitter(limit: settings.header.octets)
    }

    /// Takes what SPF said, so that it is not asked again; before `finish`.
    public func take(_ spf: SPFResult) { subject.spf = spf }

    /// Takes the next octets of the message.
    public func receive(_ chunk: UnsafeRawBufferPointer) {
        switch state {
        case .tooLong: return
        case .body: bodies.receive(chunk)
        case .header:
            switch splitter.receive(chunk) {
            case .header: return
            case .tooLong: state = .tooLong
            case .complete(let bodyStart):
                readHeader()
                bodies.receive(UnsafeRawBufferPointer(rebasing: chunk[bodyStart...]))
            }
        }
    }

    /// Takes the next octets of the message.
    public func receive(_ chunk: ArraySlice<UInt8>) { chunk.withUnsafeBytes { receive($0) } }

    /// The message has ended; without one only SPF is checked. `completion` is called once, perhaps before this returns.
    public func finish(hasMessage: Bool = true, completion: @escaping (AuthenticationReport) -> Void) {
        report.hasMessage = hasMessage
        if hasMessage, state == .header { readHeader() }
        bodies.finish()
        // One more than there are, so that answers that come at once do not end the phase too early.
        open = 1
        startSPF(completion)
        if hasMessage, let dkim {
            open += 1
            dkim.finish(lookups) { [self] results in
                report.dkim = results
                endFirstPhase(completion)
            }
        }
        endFirstPhase(completion)
    }

    private func readHeader() {
        state = .body
        guard let header = try? MessageHeader(scanning: splitter.header, limits: settings.header) else {
            state = .tooLong
            return
        }
        do throws(AuthorError) {
            report.author = try AuthorIdentity(of: header.section, in: header.octets.span)
        } catch {
            report.authorError = error
        }
        dkim = DKIMVerifier(header, bodies: bodies, settings.dkim)
        arc = ARCVerifier(header, bodies: bodies, lookups, settings.dkim.requirements)
    }

    private func startSPF(_ completion: @escaping (AuthenticationReport) -> Void) {
        guard let client = subject.client else { return }
        let request = SPFRequest(client: client, helo: subject.helo, mailFrom: subject.mailFrom, receiver: subject.receiver)
        report.spfRequest = request
        if let spf = subject.spf {
            report.spf = spf
            return
        }
        open += 1
        SPFCheck.run(request, lookups, limits: settings.spf) { [self] result in
            report.spf = result
            endFirstPhase(completion)
        }
    }

    /// DMARC needs what SPF and DKIM found.
    private func endFirstPhase(_ completion: @escaping (AuthenticationReport) -> Void) {
        open -= 1
        guard open == 0 else { return }
        guard report.hasMessage else { return completion(report) }
        if state == .tooLong {
            report.authorError = .tooLong
            report.arc = ARCResult(.none, instance: nil, reason: AuthorError.tooLong.description)
        }
        guard let author = report.author else {
            report.dmarc = DMARCResult(.permerror, domain: nil, reason: (report.authorError ?? .missing).description)
            return finishARC(completion)
        }
        DMARCEvaluator(lookups).evaluate(author.domain, identities) { [self] result in
            report.dmarc = result
            finishARC(completion)
        }
    }

    private func finishARC(_ completion: @escaping (AuthenticationReport) -> Void) {
        guard let arc else { return completion(report) }
        arc.verify { [self] result in
            report.arc = result
            if report.dmarc.result == .fail, let author = report.author {
                report.trustedSealer = result.trustedSealer(of: settings.trustedSealers, author: author.domain)
            }
            completion(report)
        }
    }

    private var identities: AuthenticatedDomains {
        var identities = AuthenticatedDomains(dkim: report.dkim.filter { $0.result == .pass }.compactMap { $0.domain?.ascii })
        identities.dkimFailedTemporarily = report.dkim.filter { $0.result == .temperror }.compactMap { $0.domain?.ascii }
        if let spf = report.spf {
            if spf.result == .pass { identities.spf = spf.domain }
            if spf.result == .temperror { identities.spfFailedTemporarily = true }
        }
        return identities
    }
}

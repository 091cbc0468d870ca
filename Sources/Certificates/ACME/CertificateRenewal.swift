import Ports
import Sockets

/// Keeps a certificate from an ACME server fresh: orders the first one, and each next one before the last ends.
///
/// An order that fails is tried again after a wait that doubles, and no sooner than the server asks: ACME
/// servers count what fails. The certificate at hand stays in use meanwhile.
///
/// Confined to its loop; `@unchecked Sendable` so that timers of that loop may hold it.
public final class CertificateRenewal: @unchecked Sendable {
    /// What happened, for the log.
    public enum Occurrence: Sendable {
        /// A new certificate is there; it ends then.
        case renewed(TLSCertificate, until: Timestamp)
        /// An order failed; the next one is made then.
        case failed(ACMEError, next: Timestamp)
        /// The new certificate is in use, but could not be kept for the next start.
        case notKept(CertificateError)
    }

    private let settings: ACMESettings
    private let http: any HTTPSending
    private let folder: CertificateFolder
    private let responder: any ACMEResponder
    private let loop: any Loop
    private let random: any RandomSource
    private let occurred: (Occurrence) -> Void
    private var timer: LoopTimer?
    private var failures = 0
    /// The order in progress.
    private var order: ACMEOrder?

    /// The name of the account's key in the folder.
    private static let accountName = "acme-account"
    /// The name of the certificate in the folder.
    public static let certificateName = "acme"
    /// A certificate that still lasts is looked at again after this.
    private static let longestSleep = Duration.days(1)
    /// Waits differ by up to this share, so that not all hosts come at once.
    private static let jitter = 0.1

    /// A renewal that has not begun; all it is given lives on `loop`.
    public init(_ settings: ACMESettings, http: any HTTPSending, folder: CertificateFolder, responder: any ACMEResponder,
                random: any RandomSource, on loop: any Loop, occurred: @escaping (Occurrence) -> Void) {
        self.settings = settings
        self.http = http
        self.folder = folder
        self.responder = responder
        self.random = random
        self.loop = loop
        self.occurred = occurred
    }

    /// The certificate that was kept, if it is for these names and has not ended.
    public static func kept(for names: [String], in folder: CertificateFolder, at now: Timestamp) -> TLSCertificate? {
        guard let certificate = folder.certificate(certificateName), let facts = CertificateFacts(chain: certificate.chain),
              facts.expiry > now, names.allSatisfy(facts.names.contains) else { return nil }
        return certificate
    }

    /// Begins: orders at once where there is no certificate, or one that ends soon.
    public func start() { look() }

    /// Ends; an order in progress is left to itself.
    public func stop() {
        timer?.cancel()
        timer = nil
        order = nil
    }

    private func look() {
        guard let certificate = CertificateRenewal.kept(for: settings.names, in: folder, at: loop.now),
              let facts = CertificateFacts(chain: certificate.chain), facts.expiry - settings.renewBefore > loop.now else { return begin() }
        sleep(until: min(facts.expiry - settings.renewBefore, loop.now + random.jitter(CertificateRenewal.longestSleep, by: CertificateRenewal.jitter)))
    }

    private func sleep(until moment: Timestamp) {
        timer = loop.schedule(at: moment) { self.look() }
    }

    private func begin() {
        let key: ACMEAccountKey
        if let kept = folder.secret(CertificateRenewal.accountName).flatMap(ACMEAccountKey.init(pem:)) {
            key = kept
        } else {
            key = ACMEAccountKey()
            // Without it each start would make another account.
            do { try folder.keep(secret: key.pem, as: CertificateRenewal.accountName) } catch { return fail(.local(error.description)) }
        }
        let client = ACMEClient(http, directory: settings.directory, key: key, loop: loop)
        let order = ACMEOrder(client, settings, responder: responder) { [weak self] result in self?.take(result) }
        self.order = order
        order.start()
    }

    private func take(_ result: Result<TLSCertificate, ACMEError>) {
        order = nil
        switch result {
        case .failure(let error): fail(error)
        case .success(let certificate):
            failures = 0
            let expiry = CertificateFacts(chain: certificate.chain)?.expiry ?? loop.now
            occurred(.renewed(certificate, until: expiry))
            do { try folder.keep(certificate, as: CertificateRenewal.certificateName) } catch { occurred(.notKept(error)) }
            // One that is shorter than the time it is to be renewed before must not be ordered again at once.
            sleep(until: max(expiry - settings.renewBefore, loop.now + settings.retryDelay))
        }
    }

    private func fail(_ error: ACMEError) {
        failures += 1
        var delay = settings.retryDelay
        for _ in 1..<max(2, min(failures, 16)) where failures > 1 && delay < settings.maxRetryDelay { delay = delay + delay }
        delay = random.jitter(min(delay, settings.maxRetryDelay), by: CertificateRenewal.jitter)
        if case .problem(_, _, let wait?) = error { delay = max(delay, wait) }
        let next = loop.now + delay
        occurred(.failed(error, next: next))
        sleep(until: next)
    }
}

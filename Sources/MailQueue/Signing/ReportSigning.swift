import Cryptography
import Events
import MailAuth
import MessageFormat
import Ports

/// How our own reports are signed: with the keys of the domain that they come from, on the executor.
public struct ReportSigning: Sendable {
    private let rules: SigningRules
    private let executor: any SigningExecutor
    private let failed: @Sendable (QueueID, CryptographyError) -> Void

    /// Signing by `rules`; a report that cannot be signed goes on without, and `failed` tells the operator.
    public init(_ rules: SigningRules, executor: any SigningExecutor, failed: @escaping @Sendable (QueueID, CryptographyError) -> Void) {
        self.rules = rules
        self.executor = executor
        self.failed = failed
    }

    /// Signs reports that come from `author`; `completion` is called on `loop`, at once where there is nothing to sign.
    func sign(_ reports: [ReportComposer.Report], from author: EmailAddress, on loop: any Loop,
              completion: @escaping @Sendable ([ReportComposer.Report]) -> Void) {
        let keys = rules.keys(for: author)
        guard !reports.isEmpty, !keys.isEmpty else { return completion(reports) }
        executor.execute { [self] in
            let signed = reports.map { sign($0, keys) }
            loop.execute { completion(signed) }
        }
    }

    private func sign(_ report: ReportComposer.Report, _ keys: [DKIMKey]) -> ReportComposer.Report {
        guard let body = report.message.body, let header = try? MessageHeader(scanning: body) else { return report }
        let digest = BodyDigest(rules.signer)
        digest.receive(body[header.section.bodyStart...])
        let order = SignatureOrder(kind: .signatures(rules.signer, keys), header: header, bodyHash: digest.finish(),
                                   time: report.message.envelope.arrival)
        do throws(CryptographyError) {
            return ReportComposer.Report(message: report.message.headed(by: try order.fields()), event: report.event)
        } catch {
            failed(report.message.id, error)
            return report
        }
    }
}

import MessageFormat
import SMTP

extension SessionDriver {
    /// Answers the session by the rules of the listener.
    func verdict(on question: Question) -> Verdict {
        switch question {
        case .connect:
            let verdict = connectionVerdict
            note(verdict, .connection)
            return verdict
        case .hello, .mail:
            return .accept
        case .recipient(let recipient):
            let verdict = policy.rules.verdict(on: recipient.forwardPath, mayRelay: policy.rules.mayRelay(session.identity))
            note(verdict, .recipient(recipient))
            return verdict
        }
    }

    private func note(_ verdict: Verdict, _ command: RefusedCommand) {
        switch verdict {
        case .accept: break
        case .reject(let reply), .close(let reply): note(.refused(reply, command))
        }
    }
}

import DNS
import Events
import MessageFormat
import Ports
import SMTP

/// What the rules against abuse know of one session, and how they answer its questions.
///
/// Confined to the session's loop. A question is a list of steps; a step may wait for DNS or for
/// time, and the session waits with it.
final class PolicySession {
    /// What a rule looks at.
    enum Step {
        case penalty, connectionLimits, greetingDelay
        case transactionLimits, senderVerification
        case guess(Verdict)
        case recipientLimits(ForwardPath)
        case suspicions, helloResolution, lists
        case greylist(ForwardPath)
        case recipientVerification(ForwardPath)
    }

    /// What came of a step.
    enum Outcome {
        /// The next step follows.
        case pass
        /// This is the answer.
        case refuse(Verdict)
        /// `finish` will be called.
        case later
    }

    let engine: PolicyEngine
    let settings: PolicySettings
    let client: ClientIdentity
    let loop: any Loop
    let resolver: (any Resolver)?
    /// Whether mail for an address is passed on to its domain's own server.
    let isRelayed: (EmailAddress) -> Bool
    /// Whether the client is one that rules for strangers are for.
    let isStranger: Bool
    /// The sender of the transaction that is open or asked about.
    private(set) var mail: MailCommand?
    /// Who is logged in.
    var account: String?
    /// What the client calls itself.
    var helloName = ""
    /// What DNS calls it.
    var clientName = ClientNameFinding.unknown
    /// The domain for which SPF lets the client send, where that was found out.
    var authorisedDomain: String?

    var suspicions: [Suspicion] = []
    /// Whether a rule has seen something of the client that good clients do not show.
    var isSuspect = false
    var isReverseNameChecked = false
    var listing = ClientListing()
    var isVerifying = false
    /// Whether the client has sent something before it was greeted.
    var hasSpoken = false
    /// Whether the greeting is kept back, so that early input has to be looked for.
    var isGreetingDelayed = false
    var isInTarpit = false
    /// Whether the connection counts as open.
    var isCounted = false

    /// What was seen of the client, and of the current transaction.
    private var clientFindings: [RuleFinding] = []
    private var transactionFindings: [RuleFinding] = []
    /// The finding that refused the last question.
    private(set) var reason: RuleFinding?
    private var steps: ArraySlice<Step> = []
    private var isRecipientAsked = false
    private var resume: ((Verdict) -> Void)?
    private var timer: LoopTimer?
    /// Grows with every question and with the end, so that late answers find nobody.
    private(set) var turn = 0

    /// Findings that are kept of a client and of a transaction each.
    private static let maxFindings = 16

    init(_ engine: PolicyEngine, _ settings: PolicySettings, client: ClientIdentity, isStranger: Bool, on loop: any Loop,
         resolver: (any Resolver)? = nil, isRelayed: @escaping (EmailAddress) -> Bool = { _ in false }) {
        self.engine = engine
        self.settings = settings
        self.client = client
        self.isStranger = isStranger
        self.loop = loop
        self.resolver = resolver
        self.isRelayed = isRelayed
        account = client.login
        if isStranger { askLists() }
    }

    /// What was seen so far, of the client and of the transaction.
    var findings: [RuleFinding] { clientFindings + transactionFindings }

    /// Answers a question about which the listener thinks `proposed`; with nil the answer comes to `resume` later.
    func answer(_ question: Question, proposed: Verdict = .accept, then resume: @escaping (Verdict) -> Void) -> Verdict? {
        forget()
        reason = nil
        if case .recipient = question { isRecipientAsked = true } else { isRecipientAsked = false }
        steps = steps(for: question, proposed)[...]
        self.resume = resume
        guard let verdict = proceed().flatMap(conclude) else { return nil }
        self.resume = nil
        return verdict
    }

    private func steps(for question: Question, _ proposed: Verdict) -> [Step] {
        switch question {
        case .authenticate: return []
        case .connect: return isStranger ? [.penalty, .connectionLimits, .greetingDelay] : [.connectionLimits]
        case .hello(_, let name):
            if isStranger, account == nil { checkHello(name) }
            return []
        case .mail(let command):
            mail = command
            authorisedDomain = nil
            transactionFindings = []
            guard isStranger, account == nil else { return [.transactionLimits] }
            checkReverseName()
            return [.transactionLimits, .senderVerification]
        case .recipient(let command):
            guard case .accept = proposed else { return [.guess(proposed)] }
            let path = command.forwardPath
            guard isStranger, account == nil else { return [.recipientLimits(path)] }
            // Whoever is refused must be able to ask the postmaster why (RFC 5321 §4.5.1).
            if PolicySession.isPostmaster(path) { return [.recipientLimits(path)] }
            return [.recipientLimits(path), .suspicions, .lists, .helloResolution, .recipientVerification(path), .greylist(path)]
        }
    }

    private static func isPostmaster(_ path: ForwardPath) -> Bool {
        guard let address = path.address else { return true }
        return address.localPart.lowercased() == "postmaster"
    }

    private func perform(_ step: Step) -> Outcome {
        switch step {
        case .penalty: checkPenalty()
        case .connectionLimits: checkConnection()
        case .greetingDelay: checkEarlyTalker()
        case .transactionLimits: checkTransaction()
        case .senderVerification: checkSender()
        case .guess(let verdict): .refuse((verdict == .reject(.unknownRecipient) ? recipientUnknown() : nil) ?? verdict)
        case .recipientLimits(let path): checkRecipient(path)
        case .suspicions: checkSuspicions()
        case .helloResolution: checkHelloResolves()
        case .lists: checkLists()
        case .greylist(let path): checkGreylist(path)
        case .recipientVerification(let path): checkRelayedRecipient(path)
        }
    }

    /// The connection is gone; `errors` were answered in it.
    func end(errors: Int) {
        forget()
        if isCounted { engine.count(-1, of: .connections, by: clientSubjects, under: settings.limits, at: loop.now) }
        isCounted = false
        if errors > 0 { engine.count(errors, of: .errors, by: clientSubjects, under: settings.limits, at: loop.now) }
    }
}

// MARK: - One step after the other

extension PolicySession {
    /// Takes the steps that are left; nil when one is waited for.
    private func proceed() -> Verdict? {
        while let step = steps.popFirst() {
            switch perform(step) {
            case .pass: continue
            case .refuse(let verdict): return verdict
            case .later: return nil
            }
        }
        return .accept
    }

    /// Ends a step that was waited for, unless the session has gone on without it.
    func finish(_ outcome: Outcome, turn: Int) {
        guard turn == self.turn, resume != nil else { return }
        timer?.cancel()
        timer = nil
        let verdict: Verdict? = switch outcome {
        case .later: nil
        case .refuse(let verdict): verdict
        case .pass: proceed()
        }
        guard let verdict = verdict.flatMap(conclude), let resume else { return }
        self.resume = nil
        resume(verdict)
    }

    /// Gives the answer, or keeps it back for a while.
    private func conclude(_ verdict: Verdict) -> Verdict? {
        guard isRecipientAsked, isTarpitted(verdict) else { return verdict }
        isRecipientAsked = false
        wait(until: loop.now + settings.tarpit.delay) { session in
            session.leaveTarpit()
            return .refuse(verdict)
        }
        return nil
    }

    /// Ends the current step at `deadline` with what `job` says then; with nil the step was over already.
    func wait(until deadline: Timestamp, _ job: @escaping @Sendable (PolicySession) -> Outcome?) {
        let session = LoopConfined(self, to: loop)
        let turn = turn
        timer?.cancel()
        timer = loop.schedule(at: deadline) {
            let session = session.value
            guard session.turn == turn, let outcome = job(session) else { return }
            session.finish(outcome, turn: turn)
        }
    }

    /// Forgets the question that was asked last.
    private func forget() {
        turn += 1
        timer?.cancel()
        timer = nil
        resume = nil
        isVerifying = false
        isGreetingDelayed = false
        listing.isAwaited = false
        leaveTarpit()
    }
}

// MARK: - Findings

extension PolicySession {
    /// Notes what a rule saw, and refuses if the rule is to.
    func judge(_ mode: RuleMode, _ rule: String, saw: @autoclosure () -> String, _ verdict: Verdict) -> Outcome {
        guard mode != .off else { return .pass }
        let finding = RuleFinding(rule: rule, effect: mode == .enforce ? .enforced : .observed, saw: saw())
        guard mode == .enforce else {
            note(finding)
            return .pass
        }
        return refuse(finding, verdict)
    }

    /// Refuses for what a rule saw.
    func refuse(_ finding: RuleFinding, _ verdict: Verdict) -> Outcome {
        note(finding)
        reason = finding
        return .refuse(verdict)
    }

    /// Keeps a finding for the events: of the client before its first transaction, of the transaction from then on.
    func note(_ finding: RuleFinding) {
        if mail == nil {
            PolicySession.add(finding, to: &clientFindings)
        } else {
            PolicySession.add(finding, to: &transactionFindings)
        }
    }

    /// Keeps what a rule saw and passed over.
    func note(_ rule: String, _ saw: String) { note(RuleFinding(rule: rule, effect: .observed, saw: saw)) }

    /// Keeps what holds for the client in all its transactions.
    func noteClient(_ rule: String, _ saw: String) {
        PolicySession.add(RuleFinding(rule: rule, effect: .observed, saw: saw), to: &clientFindings)
    }

    private static func add(_ finding: RuleFinding, to list: inout [RuleFinding]) {
        if list.count < maxFindings, !list.contains(finding) { list.append(finding) }
    }
}

import DNS
import MessageFormat
import Ports

/// One run of check_host(): may this client send in the name of this domain? (RFC 7208 §4)
///
/// A stack of records stands in for the recursion of the RFC: `include` pushes one, `redirect` replaces the
/// top. Every term that asks DNS is counted, so that the run ends whatever the records say.
public final class SPFCheck {
    /// A record under evaluation.
    struct Frame {
        let domain: [UInt8]
        let record: SPFRecord
        /// The index of the next directive.
        var next = 0
    }

    /// Why a record is asked for.
    enum Entry { case first, include, redirect }

    let request: SPFRequest
    let lookups: Lookups
    let limits: SPFLimits
    let domain: [UInt8]
    var stack: [Frame] = []
    /// The names of the client; nil until they are needed.
    var pointers: ReverseNames?
    private var terms = 0
    private var voids = 0
    private var completion: ((SPFResult) -> Void)?

    private init(_ request: SPFRequest, _ lookups: Lookups, _ limits: SPFLimits, _ completion: @escaping (SPFResult) -> Void) {
        self.request = request
        self.lookups = lookups
        self.limits = limits
        self.completion = completion
        let ascii = request.domain.utf8.allSatisfy { $0 < 0x80 } ? nil : try? Domain(parsing: request.domain).ascii
        domain = SPFMacroString.fitting(Array((ascii ?? request.domain).utf8))
    }

    /// Checks `request`; `completion` is called once, on the loop of `lookups`, never before this returns.
    public static func run(_ request: SPFRequest, _ lookups: Lookups, limits: SPFLimits = .standard,
                           completion: @escaping (SPFResult) -> Void) {
        let check = LoopConfined(SPFCheck(request, lookups, limits, completion), to: lookups.loop)
        lookups.loop.execute { check.value.begin() }
    }

    private func begin() {
        // RFC 7208 §4.3: a malformed name, a single label or an address literal is nobody's domain.
        guard domain.first != UInt8(ascii: "["), domain.contains(UInt8(ascii: ".")), DNSName.canonical(shown(domain)) != nil else {
            return end(.none, "\"\(shown(domain))\" is not a domain name")
        }
        load(domain, as: .first)
    }

    // MARK: Records

    /// Asks for the record of `name` and goes on with it.
    func load(_ name: [UInt8], as entry: Entry) {
        ask(name, .txt) { [self] answer in
            if answer.isTemporaryFailure { return end(.temperror, answer.reason ?? "no answer for \(shown(name))") }
            let records = answer.records.compactMap { record -> [UInt8]? in
                if case .txt(let octets) = record, SPFRecord.isRecord(octets) { octets } else { nil }
            }
            guard let octets = records.first else {
                return end(entry == .first ? .none : .permerror, "\(shown(name)) has no SPF record")
            }
            guard records.count == 1 else { return end(.permerror, "\(shown(name)) has \(records.count) SPF records") }
            do throws(SPFSyntaxError) {
                let frame = Frame(domain: name, record: try SPFRecord(parsing: octets, limits: limits))
                if entry == .redirect { stack.removeLast() }
                stack.append(frame)
            } catch {
                return end(.permerror, "the SPF record of \(shown(name)) is wrong at \(error)")
            }
            advance()
        }
    }

    /// Evaluates terms until one must wait for DNS or the check is over.
    func advance() {
        while completion != nil, let frame = stack.last {
            guard frame.next < frame.record.directives.count else {
                if let redirect = frame.record.redirect { return follow(redirect) }
                if settle(.neutral, nil) { continue }
                return
            }
            stack[stack.count - 1].next += 1
            let directive = frame.record.directives[frame.next]
            switch directive.mechanism {
            case .all:
                if settle(directive.qualifier.result, directive) { continue }
                return
            case .network(let network):
                if network.contains(request.client), !settle(directive.qualifier.result, directive) { return }
            case .include, .a, .mx, .ptr, .exists:
                guard countTerm(directive.text) else { return }
                return evaluate(directive)
            }
        }
    }

    private func follow(_ redirect: SPFMacroString) {
        guard countTerm("redirect") else { return }
        expand(redirect) { [self] name in
            guard let name else { return end(.permerror, "the redirect of \(shown(current.domain)) leads to no domain name") }
            load(name, as: .redirect)
        }
    }

    /// The record under evaluation.
    var current: Frame { stack.last ?? Frame(domain: domain, record: SPFRecord(directives: [], redirect: nil, explanation: nil)) }

    /// Takes the result of the top record; whether evaluation goes on in the record that included it (RFC 7208 §5.2).
    func settle(_ result: AuthenticationResult, _ directive: SPFRecord.Directive?) -> Bool {
        var result = result
        var directive = directive
        while stack.count > 1 {
            stack.removeLast()
            guard result == .pass, let frame = stack.last else { return true }
            directive = frame.record.directives[frame.next - 1]
            result = directive?.qualifier.result ?? .neutral
        }
        let owner = shown(current.domain)
        guard let directive else {
            end(result, "nothing in the SPF record of \(owner) matches \(request.client)")
            return false
        }
        let reason = "\(request.client) matches \(directive.text) in the SPF record of \(owner)"
        if result == .fail { explain(reason, directive.text) } else { end(result, reason, directive.text) }
        return false
    }

    // MARK: Limits

    private func countTerm(_ term: String) -> Bool {
        terms += 1
        if terms <= limits.lookupTerms { return true }
        end(.permerror, "more than \(limits.lookupTerms) terms ask DNS: \(term) in the SPF record of \(shown(current.domain)) is one too many")
        return false
    }

    /// Counts a term whose lookup found nothing; whether the check goes on.
    func countVoid(_ name: String) -> Bool {
        voids += 1
        if voids <= limits.voidLookups { return true }
        end(.permerror, "more than \(limits.voidLookups) names do not exist: \(name) is one too many")
        return false
    }

    // MARK: DNS and the end

    /// Asks for records of a name given as octets; a name that DNS cannot hold does not exist.
    func ask(_ name: [UInt8], _ type: RecordType, _ answered: @escaping (DNSAnswer) -> Void) {
        lookups.ask(DNSName.text(of: name), type, completion: answered)
    }

    func shown(_ name: [UInt8]) -> String { DNSName.text(of: name.prefix(DNSName.maxOctets)) }

    func end(_ result: AuthenticationResult, _ reason: String, _ mechanism: String? = nil, explanation: String? = nil) {
        let waiting = completion
        completion = nil
        stack = []
        waiting?(SPFResult(result, identity: request.identity, domain: shown(domain), explanation: explanation, reason: reason,
                           mechanism: mechanism, lookups: min(terms, limits.lookupTerms)))
    }
}

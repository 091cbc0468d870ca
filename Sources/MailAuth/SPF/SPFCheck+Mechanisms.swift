import DNS
import Ports

extension SPFCheck {
    /// Evaluates a directive that asks DNS (RFC 7208 §5).
    func evaluate(_ directive: SPFRecord.Directive) {
        switch directive.mechanism {
        case .all, .network:
            advance()
        case .include(let target):
            expand(target) { [self] name in
                guard let name else { return end(.permerror, "\(directive.text) leads to no domain name") }
                load(name, as: .include)
            }
        case .a(let target, let lengths):
            expand(target) { [self] name in
                guard let name else { return advance() }
                addresses(of: name, directive) { [self] in decide(directive, matches($0, lengths)) }
            }
        case .mx(let target, let lengths):
            expand(target) { [self] name in
                guard let name else { return advance() }
                exchanges(of: name, directive) { [self] in tryExchanges($0[...], directive, lengths) }
            }
        case .ptr(let target):
            expand(target) { [self] name in
                guard let name else { return advance() }
                findPointerNames { [self] names in
                    // A name that leads elsewhere is an answer; only none at all is void (RFC 7208 §4.6.4).
                    if pointers?.names.isEmpty ?? true, !countVoid(DNSName.reverse(of: request.client)) { return }
                    let parent = shown(name.map(\.asciiLowercased))
                    decide(directive, names.contains { $0 == parent || $0.hasSuffix("." + parent) })
                }
            }
        case .exists(let target):
            expand(target) { [self] name in
                guard let name else { return advance() }
                // RFC 7208 §5.7: type A whatever the client's family.
                found(name, .a, directive) { [self] in decide(directive, !$0.records.isEmpty) }
            }
        }
    }

    /// Goes on after a directive that waited for DNS.
    private func decide(_ directive: SPFRecord.Directive, _ isMatch: Bool) {
        if !isMatch || settle(directive.qualifier.result, directive) { advance() }
    }

    /// The type of an address record of the client's family.
    private var addressType: RecordType { if case .v4 = request.client { .a } else { .aaaa } }

    private func matches(_ addresses: [IPAddress], _ lengths: SPFRecord.PrefixLengths) -> Bool {
        let length = addressType == .a ? lengths.v4 : lengths.v6
        return addresses.contains { IPNetwork(containing: $0, prefixLength: length).contains(request.client) }
    }

    /// Asks, and ends the check where the answer is a failure or one void too many.
    private func found(_ name: [UInt8], _ type: RecordType, _ directive: SPFRecord.Directive,
                       _ answered: @escaping (DNSAnswer) -> Void) {
        ask(name, type) { [self] answer in
            if answer.isTemporaryFailure {
                return end(.temperror, "\(directive.text): " + (answer.reason ?? "no answer for \(shown(name))"))
            }
            if answer.records.isEmpty, !countVoid(shown(name)) { return }
            answered(answer)
        }
    }

    private func addresses(of name: [UInt8], _ directive: SPFRecord.Directive, _ answered: @escaping ([IPAddress]) -> Void) {
        found(name, addressType, directive) { answered($0.addresses) }
    }

    private func exchanges(of name: [UInt8], _ directive: SPFRecord.Directive, _ answered: @escaping ([String]) -> Void) {
        found(name, .mx, directive) { [self] answer in
            let names = answer.records.compactMap { record -> String? in
                if case .mx(_, let exchange) = record, !exchange.isEmpty { exchange } else { nil }
            }
            guard names.count <= limits.mailExchanges else {
                return end(.permerror, "\(directive.text): \(shown(name)) has more than \(limits.mailExchanges) mail exchanges")
            }
            answered(names)
        }
    }

    /// Asks for one exchange after the other until one has the client's address.
    ///
    /// An exchange without an address of the client's family is no void lookup: what is limited are terms
    /// (RFC 7208 §4.6.4), and many exchanges have IPv4 addresses alone.
    private func tryExchanges(_ names: ArraySlice<String>, _ directive: SPFRecord.Directive, _ lengths: SPFRecord.PrefixLengths) {
        guard let name = names.first else { return decide(directive, false) }
        lookups.ask(name, addressType) { [self] answer in
            if answer.isTemporaryFailure {
                return end(.temperror, "\(directive.text): " + (answer.reason ?? "no answer for \(name)"))
            }
            if matches(answer.addresses, lengths) { return decide(directive, true) }
            tryExchanges(names.dropFirst(), directive, lengths)
        }
    }

    // MARK: Names of the client

    /// The names that the client's address points to and that lead back to it (RFC 7208 §5.5); failures find none.
    func findPointerNames(_ found: @escaping ([String]) -> Void) {
        if let pointers { return found(pointers.validated) }
        ReverseNames.find(of: request.client, lookups, limit: limits.pointerNames) { [self] names in
            pointers = names
            found(names.validated)
        }
    }
}

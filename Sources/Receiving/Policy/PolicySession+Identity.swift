import DNS
import Events
import Ports
import SMTP

// MARK: - The name in EHLO

extension PolicySession {
    /// Looks at the client's name for itself; what is wrong is told at the first recipient, so that the event names it.
    func checkHello(_ name: String) {
        helloName = name
        suspicions.removeAll { $0.isOfHello }
        let rules = settings.hello
        let folded = String(decoding: name.utf8.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }, as: UTF8.self)
        if name.hasPrefix("[") {
            guard let literal = PolicySession.literal(name), let address = client.address else {
                return suspect(rules.literal, "hello.literal", "[\(name)]", .bogusHello, isOfHello: true)
            }
            if literal == client.localEndpoint.address, literal != address {
                suspect(rules.ownName, "hello.ownName", name, .ownNameInHello, isOfHello: true)
            } else if literal.unmapped != address {
                suspect(rules.literal, "hello.literal", name, .bogusHello, isOfHello: true)
            }
        } else if settings.ownNames.contains(folded) {
            suspect(rules.ownName, "hello.ownName", name, .ownNameInHello, isOfHello: true)
        } else if IPAddress(name) != nil {
            // An address without brackets is no literal (RFC 5321 §4.1.3).
            suspect(rules.literal, "hello.literal", name, .bogusHello, isOfHello: true)
        } else if !name.contains(".") {
            suspect(rules.unqualified, "hello.unqualified", name, .unqualifiedHello, isOfHello: true)
        }
    }

    /// The address in `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3).
    private static func literal(_ name: String) -> IPAddress? {
        guard name.hasPrefix("["), name.hasSuffix("]") else { return nil }
        let text = name.dropFirst().dropLast()
        return IPAddress(text.prefix(5).lowercased() == "ipv6:" ? text.dropFirst(5) : text)?.unmapped
    }

    /// Whether the name of the client is in DNS at all: an address, or a mail exchange.
    func checkHelloResolves() -> Outcome {
        guard settings.hello.unresolved != .off, let resolver, helloName.contains("."), !helloName.hasPrefix("["),
              DNSName.isHostName(helloName) else { return .pass }
        ask(resolver, helloName, [.a, .aaaa, .mx])
        return .later
    }

    private func ask(_ resolver: any Resolver, _ name: String, _ types: ArraySlice<RecordType>) {
        let session = LoopConfined(self, to: loop)
        let turn = turn
        guard let type = types.first else {
            return finish(judge(settings.hello.unresolved, "hello.unresolved", saw: name, .reject(.unresolvedHello)), turn: turn)
        }
        resolver.resolve(name, type, on: loop) { answer in
            let session = session.value
            guard turn == session.turn else { return }
            // Who cannot be looked up now is not to blame.
            if answer.isTemporaryFailure || !answer.records.isEmpty { return session.finish(.pass, turn: turn) }
            session.ask(resolver, name, types.dropFirst())
        }
    }
}

// MARK: - The name of the address

extension PolicySession {
    /// Looks at what DNS says of the client's address, once.
    func checkReverseName() {
        guard !isReverseNameChecked else { return }
        switch clientName {
        case .confirmed: break
        // Nothing is known yet, or DNS fails: nobody is to blame.
        case .unknown: return
        case .missing: suspect(settings.reverseName.missing, "reverseName.missing", "no name", .noReverseName, isOfHello: false)
        case .unconfirmed(let name):
            suspect(settings.reverseName.unconfirmed, "reverseName.unconfirmed", name, .unconfirmedReverseName, isOfHello: false)
        }
        isReverseNameChecked = true
    }
}

// MARK: - Suspicions

extension PolicySession {
    /// A reason to refuse the client that is told at the first recipient.
    struct Suspicion {
        let finding: RuleFinding
        let verdict: Verdict
        let isOfHello: Bool
    }

    private func suspect(_ mode: RuleMode, _ rule: String, _ saw: String, _ reply: Reply, isOfHello: Bool) {
        isSuspect = isSuspect || mode != .off
        switch mode {
        case .off: break
        case .log: noteClient(rule, saw)
        case .enforce:
            let finding = RuleFinding(rule: rule, effect: .enforced, saw: saw)
            suspicions.append(Suspicion(finding: finding, verdict: .reject(reply), isOfHello: isOfHello))
        }
    }

    /// Refuses a recipient for what is known of the client.
    func checkSuspicions() -> Outcome {
        guard let suspicion = suspicions.first else { return .pass }
        return refuse(suspicion.finding, suspicion.verdict)
    }
}

extension SocketEndpoint {
    fileprivate var address: IPAddress? { if case .ip(let address, _) = self { address.unmapped } else { nil } }
}

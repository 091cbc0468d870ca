import DNS
import Ports

extension SPFCheck {
    /// The name that `target` expands to, the current domain without one; nil where it is no name that DNS can hold.
    func expand(_ target: SPFMacroString?, _ expanded: @escaping ([UInt8]?) -> Void) {
        guard let target else { return expanded(current.domain) }
        // RFC 8616 §4: a local part outside of ASCII cannot be a label, and matches nothing.
        if target.needsLocalPart, !request.localPart.utf8.allSatisfy({ $0 < 0x80 }) { return expanded(nil) }
        substitute(target) { octets in
            let name = octets.map(SPFMacroString.fitting)
            expanded(name.flatMap { DNSName.canonical(DNSName.text(of: $0)) == nil ? nil : $0 })
        }
    }

    /// Replaces the macros of `target`, asking for the client's name where one needs it.
    private func substitute(_ target: SPFMacroString, _ expanded: @escaping ([UInt8]?) -> Void) {
        guard target.needsPointerName else { return expanded(target.expanded(values(pointerName: ""), limit: limits.expansionOctets)) }
        findPointerNames { [self] names in
            let own = shown(current.domain.map(\.asciiLowercased))
            // RFC 7208 §7.2: the domain itself, then a subdomain, then any.
            let name = names.first { $0 == own } ?? names.first { $0.hasSuffix("." + own) } ?? names.first ?? "unknown"
            expanded(target.expanded(values(pointerName: name), limit: limits.expansionOctets))
        }
    }

    private func values(pointerName: String) -> SPFMacroValues {
        SPFMacroValues(localPart: Array(request.localPart.utf8), senderDomain: domain, domain: current.domain, client: request.client,
                       helo: Array(request.helo.utf8), pointerName: Array(pointerName.utf8), receiver: Array(request.receiver.utf8),
                       seconds: lookups.loop.now.seconds)
    }

    /// Ends with a fail and what the domain says about it; whatever is wrong with that leaves it out (RFC 7208 §6.2).
    func explain(_ reason: String, _ mechanism: String) {
        let give = { [self] (text: String?) in end(.fail, reason, mechanism, explanation: text) }
        guard let target = current.record.explanation else { return give(nil) }
        expand(target) { [self] name in
            guard let name else { return give(nil) }
            ask(name, .txt) { [self] answer in
                guard answer.records.count == 1, case .txt(let octets)? = answer.records.first, octets.count <= limits.recordOctets,
                      let text = try? SPFMacroString(parsing: octets[...], as: .explanation, of: octets[...]) else { return give(nil) }
                substitute(text) { give($0.map(SPFCheck.visible)) }
            }
        }
    }

    /// ASCII text: what a macro brought in from outside cannot end a line or drive a terminal.
    private static func visible(_ octets: [UInt8]) -> String {
        String(decoding: octets.map { (0x20...0x7e).contains($0) ? $0 : 0x3f }, as: UTF8.self)
    }
}

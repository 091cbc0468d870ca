extension BatonConfiguration {
    /// Reports files and directories that are not there.
    func verifyFiles(_ check: inout Check) {
        if let path = dns.zone { verifyFile(path, "dns.zone", &check) }
        if let path = dns.hostsFile { verifyFile(path, "dns.hostsFile", &check) }
        // A zone answers without validating anything.
        if let path = dns.trustAnchor, dns.zone == nil {
            if path == DNSConfiguration().trustAnchor, check.files.kind(path) == .missing {
                check.report("dns.trustAnchor", "there is no file '\(path)': install the package dns-root-data, or set 'none' for no DNSSEC validation")
            } else {
                verifyFile(path, "dns.trustAnchor", &check)
            }
        }
        verifyTLS(&check)
        if let path = forwarding.srsSecretFile {
            verifyFile(path, "forwarding.srsSecretFile", &check)
            if let text = readFile(path), ForwardingConfiguration.secrets(in: text).isEmpty {
                check.report("forwarding.srsSecretFile", "the file '\(path)' holds no secret")
            }
        }
        if let seal = forwarding.seal { verifySeal(seal, &check) }
        if let path = dkim.directory { verifyDirectory(path, "dkim.directory", &check) }
        if let path = bounces.templates { verifyDirectory(path, "bounces.templates", &check) }
        verifyParent(of: spool.directory, "spool.directory", &check)
        for (name, route) in routes {
            switch route {
            case .maildir(let path): verifyTemplate(path, "routes.\(name).path", &check)
            case .sandbox(let path):
                if path.contains("{") || path.contains("}") {
                    check.report("routes.\(name).path", "a sandbox is one directory: expected a path without placeholders")
                }
                verifyParent(of: path, "routes.\(name).path", &check)
            case .mx, .smarthost, .lmtp, .discard, .reject: break
            }
        }
    }

    private func verifySeal(_ seal: SealConfiguration, _ check: inout Check) {
        if let path = seal.keyFile { verifyFile(path, "forwarding.seal.keyFile", &check) }
        if seal.keyFile == nil, dkim.directory == nil {
            check.report("forwarding.seal", "there is no key to seal with: set 'keyFile' and 'selector', or dkim.directory")
        }
        if listeners.allSatisfy({ ($0.verification ?? ($0.dialect == .smtp ? verification.mode : .off)) == .off }) {
            check.report("forwarding.seal", "nothing would be sealed, since no listener verifies senders (verification.mode)")
        }
    }

    private func verifyTLS(_ check: inout Check) {
        for (index, certificate) in tls.certificates.enumerated() {
            verifyFile(certificate.chain, "tls.certificates[\(index)].chain", &check)
            verifyFile(certificate.key, "tls.certificates[\(index)].key", &check)
        }
        if let acme = tls.acme {
            if let hook = acme.hook { verifyFile(hook, "tls.acme.hook", &check) }
            for (index, path) in acme.trustedCertificates.enumerated() {
                verifyFile(path, "tls.acme.trustedCertificates[\(index)]", &check)
            }
        }
        if let path = tls.clientAuthorities { verifyFile(path, "tls.clientAuthorities", &check) }
        for (index, path) in tls.trustedCertificates.enumerated() { verifyFile(path, "tls.trustedCertificates[\(index)]", &check) }
        for (index, listener) in listeners.enumerated() where listener.clientCertificates != .none {
            let key = "listeners[\(index)].clientCertificates"
            if tls.clientAuthorities == nil { check.report(key, "needs tls.clientAuthorities, which the certificates must lead to") }
            if listener.tls == .none { check.report(key, "has no meaning where no TLS is spoken") }
        }
    }

    private func verifyFile(_ path: String, _ key: String, _ check: inout Check) {
        switch check.files.kind(path) {
        case .readableFile, .other: break
        case .missing: check.report(key, "there is no file '\(path)'")
        case .unreadableFile: check.report(key, "the file '\(path)' cannot be read")
        case .directory: check.report(key, "expected a file, but '\(path)' is a directory")
        }
    }

    private func verifyDirectory(_ path: String, _ key: String, _ check: inout Check) {
        if check.files.kind(path) != .directory { check.report(key, "there is no directory '\(path)'") }
    }

    /// A directory that Baton makes itself, in one that must be there.
    private func verifyParent(of path: String, _ key: String, _ check: inout Check) {
        switch check.files.kind(path) {
        case .directory: return
        case .readableFile, .unreadableFile, .other: return check.report(key, "expected a directory, but '\(path)' is none")
        case .missing: break
        }
        let parent = BatonConfiguration.parent(of: path)
        if check.files.kind(parent) != .directory {
            check.report(key, "there is neither a directory '\(path)' nor '\(parent)' to make it in")
        }
    }

    private static func parent(of path: String) -> String {
        let path = path.hasSuffix("/") ? path.dropLast() : path[...]
        guard let end = path.lastIndex(of: "/") else { return "." }
        return end == path.startIndex ? "/" : String(path[..<end])
    }

    /// Placeholders of a Maildir path.
    private static let placeholders = ["{domain}", "{user}", "{tag}"]

    private func verifyTemplate(_ path: String, _ key: String, _ check: inout Check) {
        var rest = path[...]
        while let start = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            guard let placeholder = BatonConfiguration.placeholders.first(where: rest[start...].hasPrefix) else {
                check.report(key, "expected no other placeholders than \(BatonConfiguration.placeholders.joined(separator: ", "))")
                return
            }
            rest = rest[rest.index(start, offsetBy: placeholder.count)...]
        }
        if path.split(separator: "/").contains("..") { check.report(key, "expected a path without '..'") }
        let users = domains.values.filter { $0.route == key.split(separator: ".").dropFirst().first.map(String.init) }
        if !path.contains("{user}"), users.contains(where: { $0.mailboxes.areSeveral }) {
            check.report(key, "without {user}, the mailboxes of a domain would share one Maildir")
        }
        if !path.contains("{domain}"), users.count > 1 {
            check.report(key, "without {domain}, the same user of \(users.count) domains would share one Maildir")
        }
    }
}

extension Mailboxes {
    /// Whether there is, or can be, more than one.
    var areSeveral: Bool {
        switch self {
        case .every: true
        case .listed(let names): names.count > 1
        }
    }
}

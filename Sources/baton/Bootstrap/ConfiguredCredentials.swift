import Configuration
import Delivery
import Glibc
import SMTP

/// Why the secret of a smart host cannot be had; the secret itself is never part of it.
enum CredentialsError: Error, CustomStringConvertible {
    case file(String, errno: Int32)
    case empty(String)
    case variable(String)

    var description: String {
        switch self {
        case .file(let path, let number): "the password in \(path) cannot be read: \(String(cString: strerror(number)))"
        case .empty(let path): "the first line of \(path) is no password"
        case .variable(let name): "the environment has no variable '\(name)' for a password"
        }
    }
}

extension BatonConfiguration {
    /// Who this host is to the servers of its routes, with the secrets as they are now.
    func readCredentials() throws(CredentialsError) -> [String: HopCredentials] {
        var found: [String: HopCredentials] = [:]
        for entry in credentials {
            var authentication = ClientAuthentication(name: entry.account, secret: try entry.readSecret(), kind: entry.token ? .token : .password)
            authentication.allowsPlaintext = entry.withoutTLS
            let senders = entry.senders.isEmpty ? nil : SenderPatterns(entry.senders.compactMap(SenderPatterns.Pattern.init))
            found[entry.route, default: HopCredentials([])].entries.append(.init(senders: senders, authentication: authentication))
        }
        return found
    }
}

extension CredentialsConfiguration {
    /// The longest first line of a file that is looked at.
    private static let maxOctets = 16 << 10

    func readSecret() throws(CredentialsError) -> Secret {
        if let passwordVariable {
            guard let value = getenv(passwordVariable), value.pointee != 0 else { throw .variable(passwordVariable) }
            return Secret(String(cString: value))
        }
        let path = passwordFile ?? ""
        guard let file = fopen(path, "re") else { throw .file(path, errno: errno) }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: CredentialsConfiguration.maxOctets)
        let count = fread(&bytes, 1, bytes.count, file)
        let line = bytes[..<count].prefix { $0 != 0x0a && $0 != 0x0d }
        guard !line.isEmpty, !line.contains(0) else { throw .empty(path) }
        return Secret(Array(line))
    }
}

extension SenderPatterns.Pattern {
    /// The pattern of the configuration; the null reverse-path is no address, and has no pattern here.
    init?(_ pattern: AddressPattern) {
        switch pattern {
        case .address(let address): self = .address(address)
        case .domain(let pattern): self = pattern.isBelow ? .subdomains(of: pattern.domain) : .domain(pattern.domain)
        case .null: return nil
        }
    }
}

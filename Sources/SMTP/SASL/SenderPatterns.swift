import MessageFormat

/// The addresses that an account may send from.
///
///     alice@example.org      this address, and its subaddresses: alice+lists@example.org (RFC 5233)
///     @example.org           every address of the domain
///     @*.example.org         every address of its subdomains
///     *                      every address
public struct SenderPatterns: Hashable, Sendable {
    /// One of the patterns.
    public enum Pattern: Hashable, Sendable {
        case address(EmailAddress)
        case domain(Domain)
        case subdomains(of: Domain)
        case any
    }

    /// The patterns.
    public var patterns: [Pattern]

    /// The addresses that match one of `patterns`.
    public init(_ patterns: [Pattern]) { self.patterns = patterns }

    /// Every address.
    public static let any = SenderPatterns([.any])
    /// No address.
    public static let none = SenderPatterns([])

    /// What an account of this name has by itself: its own address, if the name is one.
    public init(accountNamed name: String) {
        patterns = (try? EmailAddress(parsing: name)).map { [.address($0)] } ?? []
    }

    /// Whether one of the patterns matches `address`.
    public func match(_ address: EmailAddress) -> Bool { patterns.contains { $0.matches(address) } }
}

extension SenderPatterns.Pattern: CustomStringConvertible {
    /// The pattern that `text` spells; nil when it is none.
    public init?(_ text: some StringProtocol) {
        if text == "*" {
            self = .any
        } else if text.hasPrefix("@*.") {
            guard let domain = try? Domain(parsing: text.dropFirst(3)) else { return nil }
            self = .subdomains(of: domain)
        } else if text.hasPrefix("@") {
            guard let domain = try? Domain(parsing: text.dropFirst()) else { return nil }
            self = .domain(domain)
        } else {
            guard let address = try? EmailAddress(parsing: text) else { return nil }
            self = .address(address)
        }
    }

    /// The pattern as it is written.
    public var description: String {
        switch self {
        case .address(let address): address.description
        case .domain(let domain): "@" + domain.ascii
        case .subdomains(let domain): "@*." + domain.ascii
        case .any: "*"
        }
    }

    func matches(_ address: EmailAddress) -> Bool {
        switch self {
        case .any: return true
        case .domain(let domain): return address.domain == domain
        case .subdomains(let domain): return address.domain?.ascii.hasSuffix("." + domain.ascii) ?? false
        case .address(let own):
            guard own.host == address.host else { return false }
            // Local parts are compared without regard to case: nobody here gives `Alice` and `alice` to two people.
            let (mine, theirs) = (own.localPart.lowercased(), address.localPart.lowercased())
            return mine == theirs || theirs.utf8.starts(with: (mine + "+").utf8)
        }
    }
}

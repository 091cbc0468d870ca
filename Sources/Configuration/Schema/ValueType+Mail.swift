import MessageFormat

extension ValueType where Value == Domain {
    /// A domain name.
    static var domain: ValueType {
        .word("domain", text: { yamlText($0.unicode) }) { word in
            do throws(AddressError) {
                return .success(try Domain(parsing: word))
            } catch {
                return .failure(Expectation("expected a domain such as example.org (\(error))"))
            }
        }
    }
}

extension ValueType where Value == EmailAddress {
    /// An address with a domain.
    static var emailAddress: ValueType {
        .word("mail address", text: { yamlText($0.unicode) }) { word in
            do throws(AddressError) {
                let address = try EmailAddress(parsing: word)
                if address.domain != nil { return .success(address) }
                return .failure(Expectation("expected an address with a domain"))
            } catch {
                return .failure(Expectation("expected an address such as alice@example.org (\(error))"))
            }
        }
    }
}

/// A domain, or every domain below one.
public struct DomainPattern: Hashable, Sendable, CustomStringConvertible {
    /// The domain itself, or the one above those that are meant.
    public let domain: Domain
    /// Whether the domains below are meant, and not the domain itself.
    public let isBelow: Bool

    /// `example.org` or `*.example.org`.
    public var description: String { (isBelow ? "*." : "") + domain.unicode }

    /// Whether `candidate` is meant.
    public func matches(_ candidate: Domain) -> Bool {
        isBelow ? candidate != domain && candidate.isWithin(domain) : candidate == domain
    }
}

extension ValueType where Value == DomainPattern {
    /// A domain, or `*.` and a domain.
    static var domainPattern: ValueType {
        .word("domain or *.domain", text: { yamlText($0.description) }) { word in
            let isBelow = word.hasPrefix("*.")
            do throws(AddressError) {
                return .success(DomainPattern(domain: try Domain(parsing: isBelow ? word.dropFirst(2) : word[...]), isBelow: isBelow))
            } catch {
                return .failure(Expectation("expected a domain such as example.org or *.example.org (\(error))"))
            }
        }
    }
}

/// Which addresses a rule means.
public enum AddressPattern: Hashable, Sendable, CustomStringConvertible {
    /// One address.
    case address(EmailAddress)
    /// All addresses of a domain or of those below one.
    case domain(DomainPattern)
    /// The null reverse-path of bounces: `<>` (RFC 5321 §4.5.5).
    case null

    /// As in the file.
    public var description: String {
        switch self {
        case .address(let address): address.unicode
        case .domain(let pattern): pattern.description
        case .null: "<>"
        }
    }
}

extension ValueType where Value == AddressPattern {
    /// An address, a domain, `*.` and a domain, or `<>`.
    static var addressPattern: ValueType {
        .word("address, domain or *.domain", text: { yamlText($0.description) }) { word in
            if word == "<>" { return .success(.null) }
            do throws(AddressError) {
                if word.contains("@") { return .success(.address(try EmailAddress(parsing: word))) }
                let isBelow = word.hasPrefix("*.")
                let domain = try Domain(parsing: isBelow ? word.dropFirst(2) : word[...])
                return .success(.domain(DomainPattern(domain: domain, isBelow: isBelow)))
            } catch {
                return .failure(Expectation("expected an address, a domain or *.domain (\(error))"))
            }
        }
    }
}

extension ValueType where Value == String {
    /// A local part, compared without regard to case.
    static var localPart: ValueType {
        .word("local part", text: yamlText) { word in
            guard LocalPart.isValid(word) else {
                return .failure(Expectation("expected a local part such as alice, without '@'"))
            }
            return .success(word.lowercased())
        }
    }
}

/// The part of an address before the `@`, as the configuration names it.
enum LocalPart {
    static func isValid(_ text: String) -> Bool {
        !text.contains("@") && !text.isEmpty
            && (try? EmailAddress(localPart: text, host: .domain(.localhost))) != nil
    }
}

extension Domain {
    /// What stands for a domain until one is read; `localhost` is always valid.
    static let localhost: Domain = {
        guard let domain = try? Domain(parsing: "localhost") else { preconditionFailure("localhost is a domain") }
        return domain
    }()
}

/// Where an alias leads.
public enum AliasTarget: Hashable, Sendable, CustomStringConvertible {
    /// A local part of the same domain.
    case sameDomain(String)
    /// An address.
    case address(EmailAddress)

    /// As in the file.
    public var description: String {
        switch self {
        case .sameDomain(let localPart): localPart
        case .address(let address): address.unicode
        }
    }
}

extension ValueType where Value == AliasTarget {
    /// An address, or a local part of the same domain.
    static var aliasTarget: ValueType {
        .word("address or local part", text: { yamlText($0.description) }) { word in
            if LocalPart.isValid(word) { return .success(.sameDomain(word.lowercased())) }
            do throws(AddressError) {
                return .success(.address(try EmailAddress(parsing: word)))
            } catch {
                return .failure(Expectation("expected an address, or a local part of the same domain (\(error))"))
            }
        }
    }
}

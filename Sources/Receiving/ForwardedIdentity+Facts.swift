import Events
import SMTP

extension ForwardedIdentity {
    /// What is known of the client before this hop, in the vocabulary of events.
    var facts: [ForwardedFact] {
        ClientAttribute.xforwardNames.compactMap { name in
            guard let value = self[name], !value.isEmpty else { return nil }
            let fact: ForwardedFact.Name
            switch name {
            case .name: fact = .clientName
            case .addr: fact = .clientAddress
            case .port: fact = .clientPort
            case .proto: fact = .transmission
            case .helo: fact = .helo
            case .ident: fact = .identifier
            case .source: fact = .source
            case .login, .destaddr, .destport: return nil
            }
            return ForwardedFact(fact, name == .addr ? ForwardedIdentity.address(value) : value)
        }
    }

    /// `IPV6:` stands before addresses of that family here, and nowhere else in our logs.
    private static func address(_ value: String) -> String {
        value.prefix(5).uppercased() == "IPV6:" ? String(value.dropFirst(5)) : value
    }
}

import MessageFormat
import Ports
import SMTP

/// Asks the server that mail for an address goes to whether it would take it, up to RCPT and no further.
public protocol AddressVerifier: Sendable {
    /// Asks about `address`; `completion` is called once, on `loop`, and never before this returns.
    ///
    /// Only the reply to RCPT may make an address bad: how a connection, a greeting or MAIL is
    /// answered says nothing about it.
    func verify(_ address: EmailAddress, on loop: any Loop, completion: @escaping @Sendable (AddressStanding) -> Void)
}

/// What the server of an address says of it.
public enum AddressStanding: Hashable, Sendable {
    /// RCPT was answered with 2yz.
    case good
    /// RCPT was answered with 5yz.
    case bad(Reply)
    /// Nothing was learnt; why, for people.
    case unknown(String)
}

/// The way in which an address is asked about.
enum VerificationKind: Hashable, Sendable {
    case recipient, sender
}

/// Whose standing is remembered.
struct VerificationKey: Hashable, Sendable {
    let kind: VerificationKind
    let address: EmailAddress
}

/// What is remembered of an address.
struct VerificationEntry: Sendable {
    let standing: AddressStanding
    let expiry: Timestamp
}

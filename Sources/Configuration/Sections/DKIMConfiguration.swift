import MessageFormat
import Ports

/// How mail of the relay's own users is signed.
public struct DKIMConfiguration: Hashable, Sendable {
    /// Where the private keys lie: a directory for each domain, with a file `SELECTOR.pem` for each key.
    public var directory: String?
    /// Listeners whose mail is signed; nil for all.
    public var listeners: [String]?
    /// Authors whose mail is left as it is.
    public var unsignedAuthors: [EmailAddress] = []
    /// How long a signature is good; nil for ever.
    public var lifetime: Duration?
    /// Fields that are signed, beside From; nil for the standard ones.
    public var fields: [String]?
    /// Fields that are signed as often as they occur and once more; nil for the standard ones.
    public var oversignedFields: [String]?
    /// Threads that sign.
    public var threads = 1

    /// The documented defaults.
    public init() {}

    static var keys: [Key<DKIMConfiguration>] { [
        .optional("directory", \.directory, .path("directory"), otherwise: "nothing is signed",
                  "Where the private keys lie: a directory for each signing domain, in it a file `SELECTOR.pem` for each key; `baton dkim` makes and rotates them. Mail is signed whose author (`From`) is in one of these domains or below one, and whose sender is authenticated, local or in `relayNetworks`. All keys of a domain sign. A reload reads the keys again.",
                  reference: "RFC 6376"),
        .optional("listeners", \.listeners, .list(of: .text(maxOctets: 256), count: 1...100), otherwise: "that of all",
                  "Listeners, by their `address`, whose mail is signed; the submit socket is called by its path."),
        .value("unsignedAuthors", \.unsignedAuthors, .list(of: .emailAddress), "Authors whose mail is not signed."),
        .value("lifetime", \.lifetime, .either("unlimited", or: .duration(.hours(1) ... .days(366))),
               "How long a signature is good (`x=`). Mail that waits longer in a queue on its way loses its signature's worth.",
               reference: "RFC 6376 §3.5"),
        .optional("fields", \.fields, .list(of: .fieldName, count: 1...100),
                  otherwise: "those that tell author, recipients, time, subject and threads, MIME and mailing lists",
                  "Header fields that are signed; From always is.", reference: "RFC 6376 §5.4.1"),
        .optional("oversignedFields", \.oversignedFields, .list(of: .fieldName, count: 0...100),
                  otherwise: "those that readers are shown, and those of MIME",
                  "Fields of which none can be added to a signed message, since they are signed once more than they occur.", reference: "RFC 6376 §8.15"),
        .value("threads", \.threads, .count(1...64), "Threads that sign: one RSA-2048 signature takes a fraction of a millisecond of one.",
               effect: .restart),
    ] }
}

extension ValueType where Value == String {
    /// The name of a header field.
    static var fieldName: ValueType {
        .word("field name", text: yamlText) { word in
            guard HeaderName(parsing: word) != nil else { return .failure(Expectation("expected the name of a header field")) }
            return .success(word)
        }
    }
}

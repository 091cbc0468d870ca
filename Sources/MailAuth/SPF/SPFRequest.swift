import MessageFormat
import Ports

/// Who sends, and in whose name: what an SPF check is about (RFC 7208 §4.1).
public struct SPFRequest: Hashable, Sendable {
    /// The client; an IPv4-mapped IPv6 address counts as IPv4.
    public let client: IPAddress
    /// The argument of HELO or EHLO, as it was sent.
    public let helo: String
    /// Whose domain is checked.
    public let identity: SPFResult.Identity
    /// The local part of the sender; `postmaster` where there is none.
    public let localPart: String
    /// The domain that is checked, as it was sent.
    public let domain: String
    /// The name of the host that checks, for `%{r}`.
    public let receiver: String

    /// A check of the domain in `mailFrom`, `LOCAL@DOMAIN` as it was sent; an empty one means the HELO identity (RFC 7208 §2.4).
    public init(client: IPAddress, helo: String, mailFrom: String, receiver: String = "unknown") {
        self.client = client.unmapped
        self.helo = helo
        self.receiver = receiver
        let at = mailFrom.lastIndex(of: "@")
        identity = mailFrom.isEmpty ? .helo : .mailFrom
        domain = mailFrom.isEmpty ? helo : at.map { String(mailFrom[mailFrom.index(after: $0)...]) } ?? mailFrom
        let local = at.map { String(mailFrom[..<$0]) } ?? ""
        // RFC 7208 §4.3.
        localPart = local.isEmpty ? "postmaster" : local
    }

    /// A check of `reversePath`; the null path means the HELO identity.
    public init(client: IPAddress, helo: String, reversePath: ReversePath, receiver: String = "unknown") {
        guard let address = reversePath.address else {
            self.init(client: client, helo: helo, mailFrom: "", receiver: receiver)
            return
        }
        self.init(client: client, helo: helo, mailFrom: address.localPart + "@" + address.host.description, receiver: receiver)
    }

    /// A check of the HELO identity, whatever the reverse-path is (RFC 7208 §2.3).
    public static func helo(_ helo: String, client: IPAddress, receiver: String = "unknown") -> SPFRequest {
        SPFRequest(client: client, helo: helo, mailFrom: "", receiver: receiver)
    }
}

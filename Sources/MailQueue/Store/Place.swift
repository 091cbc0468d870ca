import MessageFormat

/// Where an entry of a shared queue waits, and what is leased: a site, or a host whose site is not known yet.
public struct Place: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// `site` or `host`, a colon and the name; the same on every node.
    public let description: String

    /// A site.
    public init(site: SiteKey) { description = "site:" + site.description }

    /// The host of recipients whose site is still to be found.
    public init(host: MailHost) { description = "host:" + host.description }

    public static func < (left: Place, right: Place) -> Bool { left.description < right.description }
}

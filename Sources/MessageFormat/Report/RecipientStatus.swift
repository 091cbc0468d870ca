/// What became of one recipient: a per-recipient group of fields (RFC 3464 §2.3).
public struct RecipientStatus: Hashable, Sendable {
    /// What the reporting host did (RFC 3464 §2.3.3).
    public enum Action: String, Hashable, Sendable {
        /// Given up.
        case failed
        /// Not delivered so far, still trying.
        case delayed
        /// Delivered where it was to go.
        case delivered
        /// Passed on to a host that does not report.
        case relayed
        /// Delivered to an alias or list, and passed on to several.
        case expanded
    }

    /// The address as the sender first wrote it, from ORCPT (RFC 3464 §2.3.1).
    public var originalRecipient: TypedText?
    /// The address that this report is about (RFC 3464 §2.3.2).
    public var finalRecipient: TypedText
    /// What was done.
    public var action: Action
    /// Why.
    public var status: StatusCode
    /// The host that answered the last attempt (RFC 3464 §2.3.5).
    public var remoteMTA: TypedText?
    /// The answer itself (RFC 3464 §2.3.6).
    public var diagnosticCode: TypedText?
    /// When the last attempt was made (RFC 3464 §2.3.7).
    public var lastAttemptDate: DateTime?
    /// What the final host calls the delivery (RFC 3464 §2.3.8).
    public var finalLogID: String?
    /// Until when a delayed message will be tried (RFC 3464 §2.3.9).
    public var willRetryUntil: DateTime?
    /// Fields that this type does not know, in their order.
    public var extensionFields: [ReportField] = []

    /// The status of one recipient, the optional fields unset.
    public init(finalRecipient: TypedText, action: Action, status: StatusCode) {
        self.finalRecipient = finalRecipient
        self.action = action
        self.status = status
    }
}

/// A field of a report that has no property of its own.
public struct ReportField: Hashable, Sendable {
    /// The name of the field.
    public let name: HeaderName
    /// The body, unfolded.
    public let body: String

    /// A field of a name and an unfolded body.
    public init(_ name: HeaderName, _ body: String) {
        self.name = name
        self.body = body
    }
}

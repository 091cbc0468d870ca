import Ports

/// A report about the TLS sessions of one day with one policy domain (RFC 8460 §4).
public struct TLSReport: Hashable, Sendable {
    /// How a session failed (RFC 8460 §4.3).
    public enum ResultType: String, Hashable, Sendable, CaseIterable {
        /// The host does not offer STARTTLS.
        case starttlsNotSupported = "starttls-not-supported"
        /// The certificate is for other names.
        case certificateHostMismatch = "certificate-host-mismatch"
        /// The certificate is out of date.
        case certificateExpired = "certificate-expired"
        /// No trusted authority vouches for the certificate.
        case certificateNotTrusted = "certificate-not-trusted"
        /// Anything else in the negotiation.
        case validationFailure = "validation-failure"
        /// The TLSA records, or none of the certificates that match them, can be used.
        case tlsaInvalid = "tlsa-invalid"
        /// DNSSEC validation failed.
        case dnssecInvalid = "dnssec-invalid"
        /// DANE is required by this sender and the host has no TLSA records.
        case daneRequired = "dane-required"
        /// The MTA-STS policy cannot be fetched.
        case stsPolicyFetchError = "sts-policy-fetch-error"
        /// The MTA-STS policy is malformed.
        case stsPolicyInvalid = "sts-policy-invalid"
        /// The certificate of the MTA-STS policy host is not valid.
        case stsWebPKIInvalid = "sts-webpki-invalid"
    }

    /// The kind of policy (RFC 8460 §4.4).
    public enum PolicyType: String, Hashable, Sendable, CaseIterable {
        /// DANE.
        case tlsa
        /// MTA-STS.
        case sts
        /// Neither was found.
        case none = "no-policy-found"
    }

    /// The policy that was applied.
    public struct Policy: Hashable, Sendable {
        /// Its kind.
        public var type: PolicyType
        /// The policy itself: lines of an MTA-STS policy, TLSA records as text.
        public var strings: [String]
        /// The domain of the policy.
        public var domain: String
        /// The patterns of hosts that an MTA-STS policy names.
        public var mxHosts: [String]

        /// A policy.
        public init(type: PolicyType, strings: [String] = [], domain: String, mxHosts: [String] = []) {
            self.type = type
            self.strings = strings
            self.domain = domain
            self.mxHosts = mxHosts
        }
    }

    /// Sessions that failed in the same way.
    public struct Failure: Hashable, Sendable {
        /// How.
        public var type: ResultType
        /// The sender's address.
        public var sendingAddress: String?
        /// The host that was tried.
        public var receivingHost: String?
        /// Its name in the EHLO reply, where it differs.
        public var receivingHELO: String?
        /// Its address.
        public var receivingAddress: String?
        /// How many sessions.
        public var sessions: UInt64
        /// More about it, for people.
        public var additionalInformation: String?
        /// An error code or text.
        public var reasonCode: String?

        /// Sessions that failed with the same details.
        public init(type: ResultType, sendingAddress: String? = nil, receivingHost: String? = nil, receivingHELO: String? = nil,
                    receivingAddress: String? = nil, sessions: UInt64, additionalInformation: String? = nil, reasonCode: String? = nil) {
            self.type = type
            self.sendingAddress = sendingAddress
            self.receivingHost = receivingHost
            self.receivingHELO = receivingHELO
            self.receivingAddress = receivingAddress
            self.sessions = sessions
            self.additionalInformation = additionalInformation
            self.reasonCode = reasonCode
        }
    }

    /// What came of one policy.
    public struct PolicyResult: Hashable, Sendable {
        /// The policy.
        public var policy: Policy
        /// Sessions that satisfied it.
        public var successes: UInt64
        /// Sessions that did not.
        public var failures: UInt64
        /// Those by their kind.
        public var details: [Failure]

        /// What came of a policy.
        public init(policy: Policy, successes: UInt64, failures: UInt64, details: [Failure]) {
            self.policy = policy
            self.successes = successes
            self.failures = failures
            self.details = details
        }
    }

    /// Who reports.
    public var organization: String
    /// The first moment that is reported on.
    public var start: Timestamp
    /// The last.
    public var end: Timestamp
    /// Whom to ask, an address.
    public var contact: String
    /// Unique among the reports of the organisation.
    public var id: String
    /// The policies and their results.
    public var policies: [PolicyResult]

    /// A report.
    public init(organization: String, start: Timestamp, end: Timestamp, contact: String, id: String, policies: [PolicyResult]) {
        self.organization = organization
        self.start = start
        self.end = end
        self.contact = contact
        self.id = id
        self.policies = policies
    }
}

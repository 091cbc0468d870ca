/// Why a signature does not pass, in words for people and for `reason=` (RFC 8601 §2.2).
public enum SignatureFailure: String, Error, Hashable, Sendable, CaseIterable {
    case syntax = "the signature is not a valid tag list"
    case duplicateTag = "a tag stands twice in the signature"
    case missingTag = "a required tag is missing"
    case version = "the version of the signature is unknown"
    case algorithm = "the algorithm is unknown"
    case obsoleteAlgorithm = "SHA-1 signatures are no longer accepted"
    case canonicalization = "the canonicalization is unknown"
    case domain = "the signing domain is not a domain name"
    case selector = "the selector is not a domain name"
    case identity = "the identity is not within the signing domain"
    case queryMethod = "the key cannot be had by DNS"
    case signedFields = "the list of signed fields is not valid"
    case fromNotSigned = "the From field is not signed"
    case extraFrom = "the message has more From fields than were signed"
    case encoding = "the signature or the body hash is not valid base64"
    case time = "the time of the signature is not valid"
    case expired = "the signature has expired"
    case future = "the signature was made in the future"
    case bodyLength = "the signature does not cover the whole body for certain"
    case malformedHeader = "the header of the message is malformed"
    case headerTooLong = "the header of the message is too long"
    case noKey = "no key is published"
    case keyRevoked = "the key was revoked"
    case keySyntax = "the key record is not valid"
    case keyType = "the key is of another type than the signature"
    case keyHash = "the key does not allow the hash of the signature"
    case keyService = "the key is not for mail"
    case keyTooShort = "the key is too short"
    case keyTooLong = "the key is too long"
    case keyUnavailable = "the key could not be looked up"
    case bodyHash = "the body was changed"
    case signature = "the signature does not match"

    /// The result that goes with the reason (RFC 6376 §3.9, §6.1; RFC 8301; RFC 8601 §2.7.1).
    public var result: AuthenticationResult {
        switch self {
        case .bodyHash, .signature: .fail
        case .keyUnavailable: .temperror
        case .bodyLength, .keyTooShort, .keyTooLong, .future, .extraFrom: .policy
        case .syntax, .duplicateTag, .missingTag, .version, .algorithm, .obsoleteAlgorithm, .canonicalization, .domain, .selector,
             .identity, .queryMethod, .signedFields, .fromNotSigned, .encoding, .time, .expired, .malformedHeader, .headerTooLong,
             .noKey, .keyRevoked, .keySyntax, .keyType, .keyHash, .keyService: .permerror
        }
    }
}

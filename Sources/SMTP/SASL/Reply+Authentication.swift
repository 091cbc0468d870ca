extension Reply {
    /// The client is who it says (RFC 4954 §4).
    public static let authenticated = Reply(235, .init(2, 7, 0), "Authentication successful")
    /// Unknown name or wrong password, which is one answer for both (RFC 4954 §6).
    public static let badCredentials = Reply(535, .init(5, 7, 8), "Authentication credentials invalid")
    /// The accounts cannot be asked now (RFC 4954 §6).
    public static let authenticationUnavailable = Reply(454, .init(4, 7, 0), "Temporary authentication failure")
    /// The client has authenticated before (RFC 4954 §4).
    public static let alreadyAuthenticated = Reply(503, .init(5, 5, 1), "Already authenticated")
    /// The client said `*` (RFC 4954 §4).
    public static let authenticationCancelled = Reply(501, .init(5, 7, 0), "Authentication cancelled")
    /// A response that is not base64, or not what the mechanism says (RFC 4954 §4).
    public static let badAuthenticationResponse = Reply(501, .init(5, 5, 2), "Cannot read authentication response")
    /// A response longer than any mechanism needs (RFC 4954 §4).
    public static let authenticationResponseTooLong = Reply(500, .init(5, 5, 6), "Authentication response too long")
    /// Mail from clients that did not authenticate is not taken (RFC 4954 §6).
    public static let authenticationRequired = Reply(530, .init(5, 7, 0), "Authentication required")
    /// Credentials are not taken without TLS (RFC 4954 §6).
    public static let encryptionRequired = Reply(538, .init(5, 7, 11), "Encryption required: use STARTTLS first")
    /// The client failed to authenticate too often.
    public static let tooManyAuthenticationFailures = Reply(421, .init(4, 7, 0), "Too many authentication failures, closing connection")
    /// The account may not use this reverse-path or header From.
    public static let senderNotOwned = Reply(553, .init(5, 7, 1), "Your account may not send from this address")
    /// The account may not use the address in the From field.
    public static let authorNotOwned = Reply(550, .init(5, 7, 1), "Your account may not use this address in From")
}

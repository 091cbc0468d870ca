/// Why a cryptographic operation gave no result; never tells anything of the secret that it worked on.
public enum CryptographyError: Error, Hashable, Sendable {
    /// The octets are not a key in any form that is read here.
    case malformedKey
    /// The key is encrypted, and there is nobody to ask for its passphrase.
    case encryptedKey
    /// The key is of another algorithm than the one asked for, or its private half does not belong to its public half.
    case unsuitableKey
    /// A size, count or cost is outside of what the algorithm or its limits allow.
    case parameter
    /// The library refused the operation.
    case refused
}

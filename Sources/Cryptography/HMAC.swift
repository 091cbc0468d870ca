import COpenSSL

/// A keyed hash (RFC 2104).
public enum HMAC {
    /// The code of `message` under `key`.
    public static func code(of message: [UInt8], key: [UInt8], with function: HashFunction) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: function.octets) { buffer, count in
            // libcrypto reads a null key as "the key of the last call".
            let key = key.isEmpty ? [0] : key
            let result = COpenSSL.HMAC(function.method, key, Int32(clamping: key.count), message, message.count, buffer.baseAddress, nil)
            precondition(result != nil, "a keyed hash of a known function cannot fail")
            count = function.octets
        }
    }

    /// Whether `code` is that of `message` under `key`, in a time that does not depend on where it differs.
    public static func isValid(_ code: [UInt8], of message: [UInt8], key: [UInt8], with function: HashFunction) -> Bool {
        areEqualInConstantTime(code, self.code(of: message, key: key, with: function))
    }
}

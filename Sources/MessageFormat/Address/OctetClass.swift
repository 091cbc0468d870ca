/// A set of ASCII octets, tested with one shift: the character classes of the grammars.
struct OctetClass {
    private let low: UInt64
    private let high: UInt64

    private init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// Whether `octet` belongs to the class; octets above 127 never do.
    @inline(__always)
    func contains(_ octet: UInt8) -> Bool {
        let mask = octet < 64 ? low : octet < 128 ? high : 0
        return mask >> UInt64(octet & 63) & 1 == 1
    }

    /// Let-dig (RFC 5321 §4.1.2).
    @inline(__always)
    static var letterDigit: OctetClass { .init(low: 0x03ff_0000_0000_0000, high: 0x07ff_fffe_07ff_fffe) }
    /// atext (RFC 5322 §3.2.3).
    @inline(__always)
    static var atext: OctetClass { .init(low: 0xa3ff_acfa_0000_0000, high: 0x7fff_ffff_c7ff_fffe) }
    /// ftext: the characters of a field name (RFC 5322 §3.6.8).
    static var fieldName: OctetClass { .init(low: 0xfbff_fffe_0000_0000, high: 0x7fff_ffff_ffff_ffff) }
    /// VCHAR (RFC 5234 App. B.1).
    @inline(__always)
    static var visible: OctetClass { .init(low: 0xffff_fffe_0000_0000, high: 0x7fff_ffff_ffff_ffff) }
    /// xchar (RFC 3461 §4).
    static var xchar: OctetClass { .init(low: 0xdfff_f7fe_0000_0000, high: 0x7fff_ffff_ffff_ffff) }
    /// QCHAR (RFC 6533 §3): xchar without the backslash.
    static var unitextChar: OctetClass { .init(low: 0xdfff_f7fe_0000_0000, high: 0x7fff_ffff_efff_ffff) }
    /// Octets that the "Q" encoding may leave as they are in every context (RFC 2047 §5 (3)).
    static var encodedWordSafe: OctetClass { .init(low: 0x03ff_ac02_0000_0000, high: 0x07ff_fffe_07ff_fffe) }
    /// token (RFC 2045 §5.1).
    static var token: OctetClass { .init(low: 0x03ff_6cfa_0000_0000, high: 0x7fff_ffff_c7ff_fffe) }
}

extension UInt8 {
    /// The lower-case form of an ASCII letter; any other octet as it is.
    @inline(__always)
    var asciiLowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

    /// Whether this is an ASCII digit.
    @inline(__always)
    var isDigit: Bool { self &- 0x30 < 10 }

    /// Whether this is a space or a tab.
    @inline(__always)
    var isWhitespace: Bool { self == 0x20 || self == 0x09 }

    /// Whether this is a C0 control or DEL.
    @inline(__always)
    var isControl: Bool { self < 0x20 || self == 0x7f }
}

extension String {
    /// The ASCII text in `range` of `bytes`, which the caller has checked to be ASCII.
    init(ascii bytes: Span<UInt8>, _ range: Range<Int>) {
        self = bytes.extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    /// The UTF-8 text in `range` of `bytes`; nil when it is not UTF-8 or holds a control or line separator.
    init?(utf8 bytes: Span<UInt8>, _ range: Range<Int>) {
        let text = bytes.extracting(range).withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) }
        guard let text, !text.holdsControls else { return nil }
        self = text
    }

    /// Whether a C0 or C1 control, DEL, or U+2028/2029 occurs: what could end a line somewhere.
    var holdsControls: Bool {
        for scalar in unicodeScalars {
            let value = scalar.value
            if value < 0x20 || (0x7f...0x9f).contains(value) || value == 0x2028 || value == 0x2029 { return true }
        }
        return false
    }
}

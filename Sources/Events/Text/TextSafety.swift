/// Which characters of untrusted text could deceive a reader or a terminal.
enum TextSafety {
    /// Controls of C0 and C1, DEL, line separators, and characters that reorder text or have no width.
    static func mustEscape(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0: true
        case 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfeff, 0xfff9...0xfffb: true
        case 0xe0000...0xe0fff: true
        default: false
        }
    }

    /// The lower-case hexadecimal digit of a number below 16.
    static func hexDigit(_ number: UInt16) -> UInt8 {
        UInt8(truncatingIfNeeded: number < 10 ? 0x30 + number : 0x57 + number)
    }
}

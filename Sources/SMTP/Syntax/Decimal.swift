extension [UInt8] {
    /// Appends a number that is not negative in decimal digits; 0 for a negative one.
    mutating func appendDecimal(_ number: Int) {
        guard number >= 10 else { return append(0x30 &+ UInt8(truncatingIfNeeded: Swift.max(number, 0))) }
        var divisor = 10
        while number / divisor >= 10 { divisor &*= 10 }
        while divisor > 0 {
            append(0x30 &+ UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }
}

/// An unsigned number in decimal digits as the parameters of SMTP write it.
enum Decimal {
    /// The number that `text` spells; nil when it is empty, not all digits, longer than 20 digits or over `Int.max`.
    static func parse(_ text: some Collection<UInt8>) -> Int? {
        guard !text.isEmpty, text.count <= 20 else { return nil }
        var value = 0
        for digit in text {
            guard case 0x30...0x39 = digit else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(digit - 0x30))
            if overflow || carry { return nil }
            value = sum
        }
        return value
    }
}

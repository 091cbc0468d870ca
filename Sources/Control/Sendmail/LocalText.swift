/// Text of a local program on its way into mail.
public enum LocalText {
    /// `input` with every line end as CRLF, be it LF, CRLF or a CR alone: nothing else may leave for the network.
    ///
    /// With `endsAtDot`, a line that holds nothing but a dot ends the message, as sendmail has always had it.
    public static func mail(from input: [UInt8], endsAtDot: Bool) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(input.count + input.count / 32)
        var start = 0
        while start < input.count {
            let end = input[start...].firstIndex { $0 == 0x0a || $0 == 0x0d } ?? input.count
            if endsAtDot, end == start + 1, input[start] == UInt8(ascii: ".") { break }
            output += input[start..<end]
            output += [0x0d, 0x0a]
            let isPair = end + 1 < input.count && input[end] == 0x0d && input[end + 1] == 0x0a
            start = end + (isPair ? 2 : 1)
        }
        return output
    }
}

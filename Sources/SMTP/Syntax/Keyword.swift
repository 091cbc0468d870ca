extension Collection<UInt8> {
    /// Whether these bytes spell the ASCII word `keyword`, which is given in upper case, in any case.
    func equalsKeyword(_ keyword: StaticString) -> Bool {
        guard count == keyword.utf8CodeUnitCount else { return false }
        return keyword.withUTF8Buffer { expected in
            zip(self, expected).allSatisfy { byte, wanted in
                byte == wanted || (0x61...0x7a).contains(byte) && byte & 0xdf == wanted
            }
        }
    }
}

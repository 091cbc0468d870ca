import MessageFormat

extension OriginalRecipient {
    /// Appends the value as `ORCPT=` carries it; UTF-8 addresses are escaped where the server does not know SMTPUTF8.
    func append(to bytes: inout [UInt8], allowingUTF8: Bool) {
        bytes.append(contentsOf: addressType.utf8)
        bytes.append(UInt8(ascii: ";"))
        if addressType == "utf-8" {
            UnicodeAddressText.append(address, allowingUTF8 ? .unitext : .xtext, to: &bytes)
        } else {
            XText.append(address, to: &bytes)
        }
    }
}

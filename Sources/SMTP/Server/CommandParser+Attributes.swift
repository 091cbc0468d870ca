import MessageFormat

extension CommandParser {
    /// `NAME=value…` of XCLIENT and XFORWARD, each value in xtext.
    func attributes(_ argument: Word, _ known: [ClientAttribute.Name]) throws(CommandError) -> [ClientAttribute] {
        guard !argument.isEmpty else { throw CommandError(.missingArgument) }
        var attributes: [ClientAttribute] = []
        for word in argument.split(separator: Octet.space) {
            guard let equals = word.firstIndex(of: UInt8(ascii: "=")),
                  let name = ClientAttribute.Name(rawValue: String(decoding: word[..<equals], as: UTF8.self).uppercased()),
                  known.contains(name), attributes.count < known.count else { throw CommandError(.badArgument) }
            let value = word[(equals + 1)...]
            if value.equalsKeyword("[UNAVAILABLE]") || value.equalsKeyword("[TEMPUNAVAIL]") {
                attributes.append(ClientAttribute(name, nil))
            } else {
                guard value.count <= CommandParser.attributeOctetsMax, let text = XText.decode(value) else { throw CommandError(.badArgument) }
                attributes.append(ClientAttribute(name, text))
            }
        }
        return attributes
    }

    /// The longest value of an attribute as it stands in the command.
    private static let attributeOctetsMax = 255
}

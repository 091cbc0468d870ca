/// The `tag=value` list of signatures and key records (RFC 6376 §3.2).
public struct TagList: Hashable, Sendable {
    /// Why octets are not a tag list.
    public enum Mistake: Error, Hashable, Sendable {
        /// Something between two semicolons has no name, or no equals sign.
        case syntax
        /// A tag stands there twice.
        case duplicate(String)
        /// More tags than any signature needs.
        case tooMany
    }

    /// A tag and its value, without the white space around it.
    public struct Tag: Hashable, Sendable {
        /// The name, which is case-sensitive.
        public let name: String
        /// The value; folds within it are still there.
        public let value: ArraySlice<UInt8>
        /// Where the value with the white space around it lies: from the equals sign to the semicolon or the end.
        public let extent: Range<Int>
    }

    /// The tags in their order.
    public let tags: [Tag]

    private static let maxTags = 64

    /// Parses the whole of `text`; one semicolon may end it.
    public init(parsing text: ArraySlice<UInt8>) throws(Mistake) {
        var tags: [Tag] = []
        var index = text.startIndex
        while index < text.endIndex {
            let end = text[index...].firstIndex(of: 0x3b) ?? text.endIndex
            let piece = text[index..<end]
            if piece.withoutBlanks.isEmpty {
                // Nothing may stand after the last semicolon but white space, and nothing empty between two.
                guard end == text.endIndex, !tags.isEmpty else { throw .syntax }
                break
            }
            let tag = try TagList.tag(piece)
            guard !tags.contains(where: { $0.name == tag.name }) else { throw .duplicate(tag.name) }
            guard tags.count < TagList.maxTags else { throw .tooMany }
            tags.append(tag)
            index = end + (end < text.endIndex ? 1 : 0)
        }
        self.tags = tags
    }

    /// Parses the whole of `text`.
    public init(parsing text: [UInt8]) throws(Mistake) { try self.init(parsing: text[...]) }

    /// The value of the tag `name`.
    public subscript(_ name: String) -> ArraySlice<UInt8>? { tags.first { $0.name == name }?.value }

    /// The value of the tag `name` as text, if it is all printable ASCII.
    public func text(_ name: String) -> String? {
        guard let value = self[name], value.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        return String(decoding: value, as: UTF8.self)
    }

    /// The parts of the tag `name` between colons, without white space around them.
    public func list(_ name: String) -> [ArraySlice<UInt8>]? {
        self[name].map { $0.split(separator: 0x3a, omittingEmptySubsequences: false).map(\.withoutBlanks) }
    }

    private static func tag(_ piece: ArraySlice<UInt8>) throws(Mistake) -> Tag {
        guard let equals = piece.firstIndex(of: 0x3d) else { throw .syntax }
        let name = piece[..<equals].withoutBlanks
        guard let first = name.first, first.isASCIILetter,
              name.allSatisfy({ $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x5f }) else { throw .syntax }
        let extent = (equals + 1)..<piece.endIndex
        let value = piece[extent].withoutBlanks
        guard value.allSatisfy({ $0 >= 0x20 || $0.isFolding }) else { throw .syntax }
        return Tag(name: String(decoding: name, as: UTF8.self), value: value, extent: extent)
    }
}

extension ArraySlice<UInt8> {
    /// This without white space and folds at both ends.
    var withoutBlanks: ArraySlice<UInt8> {
        var start = startIndex, end = endIndex
        while start < end, self[start].isFolding { start += 1 }
        while end > start, self[end - 1].isFolding { end -= 1 }
        return self[start..<end]
    }
}

extension UInt8 {
    /// Whether this may stand in folding white space.
    var isFolding: Bool { self == 0x20 || self == 0x09 || self == 0x0d || self == 0x0a }
}

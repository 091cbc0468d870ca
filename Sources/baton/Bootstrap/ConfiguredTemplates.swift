import Configuration
import Glibc
import MailQueue

extension BatonConfiguration {
    /// The words of notifications: the built-in ones, with what the files in `bounces.templates` replace.
    func makeTemplates() throws(TemplateMistakes) -> DSNTemplates {
        guard let directory = bounces.templates else { return DSNTemplates() }
        return try DSNTemplates(directory: directory)
    }
}

/// Everything that is wrong with the template files.
struct TemplateMistakes: Error, Hashable, CustomStringConvertible {
    /// A file and what is wrong with it, each.
    let mistakes: [String]

    var description: String { mistakes.joined(separator: "; ") }
}

extension DSNTemplates {
    /// Which file replaces which words.
    private static var files: [(name: String, words: WritableKeyPath<DSNTemplates, DSNTemplate>)] {
        [("failed.txt", \.failed), ("delayed.txt", \.delayed), ("success.txt", \.success), ("double-bounce.txt", \.doubleBounce)]
    }

    /// Octets of a template file: a notification is a page, not a book.
    private static let maxFileOctets = 64 << 10

    /// The built-in words, with what the files in `directory` replace.
    init(directory: String) throws(TemplateMistakes) {
        self.init()
        guard let names = DSNTemplates.names(in: directory) else {
            throw TemplateMistakes(mistakes: ["\(directory): \(String(cString: strerror(errno)))"])
        }
        var mistakes: [String] = []
        // Other files may lie there, but a text under a name that is never read is a slip.
        for name in names.sorted() where name.hasSuffix(".txt") {
            let path = directory + "/" + name
            guard let file = DSNTemplates.files.first(where: { $0.name == name }) else {
                mistakes.append("\(path): is never used; expected \(DSNTemplates.files.map(\.name).joined(separator: ", "))")
                continue
            }
            do throws(TemplateFileError) {
                self[keyPath: file.words] = try DSNTemplates.read(path)
            } catch {
                mistakes.append("\(path): \(error.reason)")
            }
        }
        guard mistakes.isEmpty else { throw TemplateMistakes(mistakes: mistakes) }
    }

    private struct TemplateFileError: Error {
        let reason: String
    }

    private static func read(_ path: String) throws(TemplateFileError) -> DSNTemplate {
        guard let file = fopen(path, "re") else { throw TemplateFileError(reason: String(cString: strerror(errno))) }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: maxFileOctets + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else { throw TemplateFileError(reason: String(cString: strerror(errno))) }
        guard count <= maxFileOctets else { throw TemplateFileError(reason: "is longer than \(maxFileOctets) octets") }
        guard let text = String(validating: bytes[..<count], as: UTF8.self) else { throw TemplateFileError(reason: "is not UTF-8 text") }
        do {
            return try DSNTemplate(parsing: text)
        } catch {
            throw TemplateFileError(reason: error.description)
        }
    }

    private static func names(in directory: String) -> [String]? {
        guard let stream = opendir(directory) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names
    }
}

/// The words of delivery status notifications; files may replace each of them.
public struct DSNTemplates: Hashable, Sendable {
    /// Mail that could not be delivered.
    public var failed = DSNTemplate(subject: "Undelivered mail: {{recipient}}", text: """
        This is the mail system at {{host}}.

        Your message could not be delivered to {{count}}. \
        It will not be tried again. The reasons are below.

        {{recipients}}

        Message: {{id}}, accepted {{arrival}}
        {{original_subject}}
        If you need help, send this report to {{postmaster}}.
        """)
    /// Mail that is still being tried.
    public var delayed = DSNTemplate(subject: "Delayed mail: {{recipient}}", text: """
        This is the mail system at {{host}}.

        THIS IS A WARNING ONLY. YOU NEED NOT SEND YOUR MESSAGE AGAIN.

        Your message could not yet be delivered to {{count}}. \
        It will be tried until {{retry_until}}.

        {{recipients}}

        Message: {{id}}, accepted {{arrival}}
        {{original_subject}}
        If you need help, send this report to {{postmaster}}.
        """)
    /// Mail that arrived, of which the sender wanted to hear.
    public var success = DSNTemplate(subject: "Delivered mail: {{recipient}}", text: """
        This is the mail system at {{host}}.

        You asked to be told what became of your message.

        {{recipients}}

        Message: {{id}}, accepted {{arrival}}
        {{original_subject}}
        """)
    /// A report that could not be delivered itself, told to the postmaster.
    public var doubleBounce = DSNTemplate(subject: "Undeliverable report to {{recipient}}", text: """
        This is the mail system at {{host}}.

        A delivery report could not be delivered to the sender that it was for. \
        Nobody else will be told.

        {{recipients}}

        Report: {{id}}, made {{arrival}}
        {{original_subject}}
        """)

    /// The built-in words.
    public init() {}
}

/// Subject and text of a notification, with `{{name}}` where a value goes.
///
/// Substitution only, without sections or escapes: a mail text needs no template language, and one
/// pass over a string needs no library.
public struct DSNTemplate: Hashable, Sendable {
    /// The subject.
    public let subject: String
    /// The text; lines end in LF.
    public let text: String

    /// A template known to be right when the program is written.
    init(subject: String, text: String) {
        self.subject = subject
        self.text = text
    }

    /// The names that a template may use.
    public static let names: Set<String> = [
        "host", "postmaster", "sender", "recipient", "recipients", "count", "id", "arrival", "date", "retry_until",
        "original_subject",
    ]

    /// Parses a file: `Subject: …`, an empty line, the text.
    public init(parsing file: String) throws(DSNTemplateError) {
        let lines = file.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let label = "subject:"
        guard let first = lines.first, first.lowercased().hasPrefix(label) else { throw .missingSubject }
        guard lines.count > 2, lines[1].allSatisfy(\.isWhitespace) else { throw .missingEmptyLine }
        subject = String(first.dropFirst(label.count).drop(while: \.isWhitespace))
        text = lines.dropFirst(2).joined(separator: "\n")
        for part in [subject, text] {
            for name in DSNTemplate.usedNames(part) where !DSNTemplate.names.contains(name) { throw .unknownName(name) }
        }
    }

    private static func usedNames(_ text: String) -> [String] {
        var names: [String] = []
        _ = substitute(text) { name in
            names.append(name)
            return ""
        }
        return names
    }

    /// The text with each `{{name}}` replaced by its value; a name without a value stays as it is.
    static func substitute(_ text: String, _ value: (String) -> String?) -> String {
        var result = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            result += rest[..<open]
            rest = rest[open...]
            guard rest.hasPrefix("{{"), let close = rest.firstIndex(of: "}") else {
                result.append(rest.removeFirst())
                continue
            }
            let name = rest[rest.index(open, offsetBy: 2)..<close].filter { !$0.isWhitespace }
            let after = rest[close...]
            guard after.hasPrefix("}}"), !name.contains("{"), let replacement = value(String(name)) else {
                result.append(rest.removeFirst())
                continue
            }
            result += replacement
            rest = after.dropFirst(2)
        }
        return result + rest
    }
}

/// What is wrong with a template file.
public enum DSNTemplateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The first line is no `Subject:`.
    case missingSubject
    /// The second line is not empty, or no text follows it.
    case missingEmptyLine
    /// A `{{name}}` that does not exist.
    case unknownName(String)

    /// What to change.
    public var description: String {
        switch self {
        case .missingSubject: "the first line must be “Subject: …”"
        case .missingEmptyLine: "an empty line and the text must follow the subject"
        case .unknownName(let name):
            "there is no {{\(name)}}; known names: \(DSNTemplate.names.sorted().joined(separator: ", "))"
        }
    }
}

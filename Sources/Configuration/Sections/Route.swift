import MessageFormat
import Ports

/// A way for mail to leave the queue.
public enum Route: Hashable, Sendable {
    /// To the mail exchanges of the recipient's domain (RFC 5321 §5.1).
    case mx
    /// To these hosts, one after the other.
    case smarthost([RouteHost], tls: RouteTLS = RouteTLS())
    /// To these LMTP servers, one after the other (RFC 2033).
    case lmtp([RouteHost], tls: RouteTLS = RouteTLS())
    /// Into Maildirs whose path is made from this template.
    case maildir(path: String)
    /// Into a directory for looking at, and no further.
    case sandbox(path: String)
    /// Nowhere, as if delivered.
    case discard
    /// Back to the sender with this reply.
    case reject(RejectReply)
}

/// The reply of a `reject` route.
public struct RejectReply: Hashable, Sendable, CustomStringConvertible {
    /// The code, 500…599.
    public let code: Int
    /// The enhanced status code, such as 5.1.6 (RFC 3463).
    public let enhancedClass: Int, enhancedSubject: Int, enhancedDetail: Int
    /// The text.
    public let text: String

    /// `550 5.1.6 Moved`.
    public var description: String { "\(code) \(enhancedClass).\(enhancedSubject).\(enhancedDetail) \(text)" }

    init?(_ line: String) {
        let fields = line.split(separator: " ", maxSplits: 2)
        guard fields.count == 3, let code = Int(fields[0]), (500...599).contains(code) else { return nil }
        let digits = fields[1].split(separator: ".", omittingEmptySubsequences: false).map { $0.utf8.count <= 3 ? Int($0) : nil }
        guard digits.count == 3, digits[0] == 5, let subject = digits[1], let detail = digits[2], subject >= 0, detail >= 0,
              fields[2].utf8.count <= 400, fields[2].unicodeScalars.allSatisfy({ $0.isASCII && $0 >= " " && $0 != "\u{7f}" }) else { return nil }
        self.code = code
        enhancedClass = 5
        enhancedSubject = subject
        enhancedDetail = detail
        text = String(fields[2])
    }
}

/// A route as it stands in the file: which keys it needs depends on its type.
struct RouteEntry: Hashable {
    enum Kind: String, CaseIterable {
        case mx, smarthost, lmtp, maildir, sandbox, discard, reject
    }

    var kind = Kind.discard
    var hosts: [RouteHost] = []
    var path: String?
    var reply: RejectReply?
    var tls = RouteTLS.Level.opportunistic
    var implicitTLS: Bool?

    /// Which types need each key; other types may not have it.
    static let uses: [(key: String, kinds: [Kind])] = [
        ("hosts", [.smarthost, .lmtp]), ("path", [.maildir, .sandbox]), ("reply", [.reject]),
        ("tls", [.smarthost, .lmtp]), ("implicitTLS", [.smarthost, .lmtp]),
    ]

    /// Keys without which the types that use them work too.
    private static let optionalKeys: Set<String> = ["reply", "tls", "implicitTLS"]

    static var keys: [Key<RouteEntry>] { [
        .required("type", \.kind, .choice,
                  "`mx`: to the mail exchanges of the recipient's domain; `smarthost`: to `hosts` by SMTP; `lmtp`: to `hosts` by LMTP; `maildir`: into Maildirs; `sandbox`: into a directory for looking at, nothing leaves; `discard`: nowhere; `reject`: back with `reply`."),
        .value("hosts", \.hosts, .list(of: .routeHost, count: 1...100),
               "For `smarthost` and `lmtp`: names, addresses or `unix:PATH`, with ports; tried in this order. The port is 25 for a smarthost and 24 for LMTP where none is given.",
               reference: "RFC 2033"),
        .optional("path", \.path, .path("path template"),
               "For `maildir` and `sandbox`: the directory. In a Maildir path `{domain}`, `{user}` and `{tag}` stand for the parts of the recipient, encoded so that they are always one file name each."),
        .optional("reply", \.reply, .rejectReply, otherwise: "`550 5.7.1 This recipient is not served here`",
                  "For `reject`: code, enhanced status code and text.", reference: "RFC 3463"),
        .value("tls", \.tls, .choice,
               "For `smarthost` and `lmtp`: `opportunistic` TLS where it works, `encrypt` TLS with any certificate, `verify` TLS with a certificate that leads to a trusted root and is for the host, `none` in the clear. Mail waits where `encrypt` or `verify` cannot be had."),
        .optional("implicitTLS", \.implicitTLS, .flag, otherwise: "at port 465 only",
                  "For `smarthost` and `lmtp`: whether TLS begins with the connection instead of with STARTTLS.", reference: "RFC 8314 §3.3"),
    ] }

    /// The route; nil if a key that it needs is not there, which is reported.
    func route(_ path: String, _ check: inout Check) -> Route? {
        for (key, kinds) in RouteEntry.uses {
            let isPresent = check.isPresent("\(path).\(key)")
            if isPresent, !kinds.contains(kind) {
                let types = kinds.map(\.rawValue).joined(separator: " and ")
                check.reportKey("\(path).\(key)", "a route of type \(kind.rawValue) has no such key; it is for \(types)")
            }
            if !isPresent, kinds.contains(kind), !RouteEntry.optionalKeys.contains(key) {
                check.report(path, "a route of type \(kind.rawValue) needs the key '\(key)'")
            }
        }
        switch kind {
        case .mx: return .mx
        case .smarthost: return .smarthost(hosts(defaultPort: 25, path, &check), tls: RouteTLS(level: tls, implicit: implicitTLS))
        case .lmtp: return .lmtp(hosts(defaultPort: 24, path, &check), tls: RouteTLS(level: tls, implicit: implicitTLS))
        case .maildir: return self.path.map { .maildir(path: $0) }
        case .sandbox: return self.path.map { .sandbox(path: $0) }
        case .discard: return .discard
        case .reject: return (reply ?? RejectReply("550 5.7.1 This recipient is not served here")).map { .reject($0) }
        }
    }

    private func hosts(defaultPort: UInt16, _ path: String, _ check: inout Check) -> [RouteHost] {
        hosts.enumerated().map { index, host in
            let key = "\(path).hosts[\(index)]"
            if case .unix = host, kind == .smarthost {
                check.report(key, "expected a host for SMTP; Unix sockets are for routes of type lmtp")
            } else if tls == .verify, !host.isName {
                check.report(key, "expected a host name: 'tls: verify' compares it with the certificate")
            }
            return switch host {
            case .name(let name, 0): .name(name, port: defaultPort)
            case .address(let address, 0): .address(address, port: defaultPort)
            case .name, .address, .unix: host
            }
        }
    }

    init() {}

    init(_ route: Route) {
        switch route {
        case .mx: kind = .mx
        case .smarthost(let hosts, let tls): (kind, self.hosts, self.tls, implicitTLS) = (.smarthost, hosts, tls.level, tls.implicit)
        case .lmtp(let hosts, let tls): (kind, self.hosts, self.tls, implicitTLS) = (.lmtp, hosts, tls.level, tls.implicit)
        case .maildir(let path): (kind, self.path) = (.maildir, path)
        case .sandbox(let path): (kind, self.path) = (.sandbox, path)
        case .discard: kind = .discard
        case .reject(let reply): (kind, self.reply) = (.reject, reply)
        }
    }

    var text: String {
        var fields = ["type: \(kind.rawValue)"]
        if !hosts.isEmpty { fields.append("hosts: " + ValueType<[RouteHost]>.list(of: .routeHost).text(hosts)) }
        if let path { fields.append("path: \(yamlText(path))") }
        if let reply { fields.append("reply: \(yamlText(reply.description))") }
        if tls != .opportunistic { fields.append("tls: \(tls.rawValue)") }
        if let implicitTLS { fields.append("implicitTLS: \(implicitTLS)") }
        return "{\(fields.joined(separator: ", "))}"
    }
}

extension RouteHost {
    fileprivate var isName: Bool { if case .name = self { true } else { false } }
}

extension Route {
    static var type: ValueType<Route> {
        let entry = ValueType<RouteEntry>.section("route", "", RouteEntry.keys, initial: RouteEntry(), text: \.text)
        var type = ValueType<Route>(name: "route", read: { node, path, check in
            guard let entry = entry.read(node, path, &check) else { return nil }
            let mistakes = check.mistakes.count
            let route = entry.route(path, &check)
            return check.mistakes.count == mistakes ? route : nil
        }, text: { RouteEntry($0).text })
        type.inner = entry.inner
        return type
    }
}

extension ValueType where Value == RejectReply {
    /// A permanent reply.
    static var rejectReply: ValueType {
        .scalar("reply", expected: "a permanent reply such as '550 5.1.6 Moved' in ASCII", text: { yamlText($0.description) },
                parse: RejectReply.init)
    }
}

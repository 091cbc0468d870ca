@testable import baton
@testable import Configuration
import Delivery
import MailQueue
import MessageFormat
import Ports
@testable import Receiving
import SMTP
import Testing

/// What each key of the file does to the settings of the parts.
@Suite struct SettingsTests {
    /// The least file, with other text for some of its keys, and more of it.
    static func configuration(listener: String = "", mailboxes: String = "[alice]", domain: String = "route: r", routes: String = "r: {type: discard}",
                              _ more: String = "") throws -> BatonConfiguration {
        try BatonConfiguration.check("""
            hostname: mail.example.org
            listeners: [{address: "127.0.0.1:2525"\(listener.isEmpty ? "" : ", " + listener)}]
            domains: {example.org: {mailboxes: \(mailboxes), \(domain)}}
            routes: {\(routes)}
            dns: {trustAnchor: none}
            \(more)
            """, file: "/etc/baton.yaml", files: FileFacts { path in path.hasSuffix(".txt") ? .readableFile : .directory })
    }

    /// A key, the text that sets it and what must hold for the settings then, and not before.
    struct Effect: Sendable, CustomTestStringConvertible {
        let key: String
        let configured: @Sendable () throws -> BatonConfiguration
        let holds: @Sendable (BatonConfiguration) throws -> Bool

        var testDescription: String { key }

        init(_ key: String, _ configured: @escaping @Sendable () throws -> BatonConfiguration,
             _ holds: @escaping @Sendable (BatonConfiguration) throws -> Bool) {
            self.key = key
            self.configured = configured
            self.holds = holds
        }

        /// A key of a section.
        init(_ key: String, _ value: String, _ holds: @escaping @Sendable (BatonConfiguration) throws -> Bool) {
            let text = key.split(separator: ".").reversed().reduce(value) { "{\($1): \($0)}" }.dropFirst().dropLast()
            self.init(key, { try configuration(String(text)) }, holds)
        }
    }

    @Test("A key of the file reaches the settings",
          arguments: [top, listeners, domains, routes, queue, delivery, limits, tls, abuse, rest, verification, forwarding, authentication,
                      signing].flatMap { $0 })
    func reaches(_ effect: Effect) throws {
        let plain = try Self.configuration(), changed = try effect.configured()
        #expect(try !effect.holds(plain), "holds without the key too")
        #expect(try effect.holds(changed))
        let effects = plain.changes(to: changed).map(\.effect)
        #expect(!effects.isEmpty && effects.allSatisfy { $0 == .live })
    }

    @Test("Every key that a reload applies is in the table above")
    func isComplete() {
        var live: Set<String> = []
        func collect(_ keys: [KeyDescription], _ prefix: String) {
            for key in keys {
                if let inner = key.inner {
                    collect(inner.keys, prefix + key.name + inner.suffix + ".")
                } else if key.effect == .live {
                    live.insert(prefix + key.name)
                }
            }
        }
        collect(BatonConfiguration.keys.map { $0.description(in: BatonConfiguration()) }, "")
        let tested = [
            Self.top, Self.listeners, Self.domains, Self.routes, Self.queue, Self.delivery, Self.limits, Self.tls, Self.abuse, Self.rest,
            Self.verification, Self.forwarding, Self.authentication, Self.signing,
        ].flatMap { $0 }
        #expect(Set(tested.map(\.key)).symmetricDifference(live).sorted() == [])
    }

    // MARK: What is asked of the settings

    static func address(_ text: String) throws -> EmailAddress { try EmailAddress(parsing: text) }

    static func verdict(_ text: String, _ configuration: BatonConfiguration) throws -> Verdict {
        configuration.addressRules.verdict(on: .mailbox(try address(text)), mayRelay: false)
    }

    static func session(_ configuration: BatonConfiguration) -> ServerSettings { configuration.serverSettings(of: configuration.listeners[0]) }

    static func queueSettings(_ configuration: BatonConfiguration) -> QueueSettings { configuration.queueSettings(templates: DSNTemplates()) }

    static func policy(_ configuration: BatonConfiguration) -> ListenerPolicy { ListenerPolicies(configuration)[0] }

    static func transport(_ recipient: String, from sender: String = "x@a.example",
                          _ configuration: BatonConfiguration) throws -> Delivery.Route.Transport {
        let table = configuration.routingTable
        return table.routes[table.route(for: try address(recipient).host, from: .mailbox(try address(sender)))].transport
    }
}

/// Something that a trusted relay told of the client from which it had the message (Postfix's XFORWARD_README).
///
/// For logs and traces only: nothing is decided by it.
public struct ForwardedFact: Hashable, Sendable {
    /// What it is about; the raw value is its tag in a record.
    public enum Name: UInt8, Hashable, Sendable, CaseIterable {
        /// The client's host name.
        case clientName = 1
        /// The client's address.
        case clientAddress = 2
        /// The client's port.
        case clientPort = 3
        /// The protocol by which the relay got the message.
        case transmission = 4
        /// What the client called itself.
        case helo = 5
        /// The relay's own id of the message.
        case identifier = 6
        /// `LOCAL` or `REMOTE`: where the message came into the relay.
        case source = 7

        /// The name that logs and the console use.
        public var text: String { word.description }

        var word: StaticString {
            switch self {
            case .clientName: "orig_client_name"
            case .clientAddress: "orig_client_address"
            case .clientPort: "orig_client_port"
            case .transmission: "orig_with"
            case .helo: "orig_helo"
            case .identifier: "orig_id"
            case .source: "orig_source"
            }
        }
    }

    /// What it is about.
    public var name: Name
    /// What was told, without control characters.
    public var value: String

    /// A fact.
    public init(_ name: Name, _ value: String) {
        self.name = name
        self.value = value
    }
}

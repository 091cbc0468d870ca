/// The number of one run of one process in a cluster; also the incarnation of the ids that it mints.
public struct NodeID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// A number of 24 bits that no run had before.
    public let rawValue: UInt32

    /// The node with this number.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static func < (left: NodeID, right: NodeID) -> Bool { left.rawValue < right.rawValue }

    /// `node 7`.
    public var description: String { "node \(rawValue)" }
}

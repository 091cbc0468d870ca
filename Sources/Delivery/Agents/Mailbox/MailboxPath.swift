/// A directory for mail: a root that the configuration gives, and names below it that mail had a part in.
///
/// The root is trusted: it may lead through symbolic links. What is below it must be real directories.
public struct MailboxPath: Hashable, Sendable, CustomStringConvertible {
    /// The trusted part.
    public let root: String
    /// The names below it.
    public let components: [PathComponent]

    /// A directory below `root`, or `root` itself.
    public init(root: String, components: [PathComponent] = []) {
        self.root = root.isEmpty ? "." : root
        self.components = components
    }

    /// The directory `name` in this one.
    public func appending(_ name: PathComponent) -> MailboxPath {
        MailboxPath(root: root, components: components + [name])
    }

    /// The path as text, for people.
    public var description: String {
        components.reduce(root) { path, name in path.hasSuffix("/") ? path + name.name : path + "/" + name.name }
    }
}

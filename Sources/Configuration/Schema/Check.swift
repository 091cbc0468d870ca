import Yams

/// A place in a file; lines and columns count from 1.
struct Position: Hashable {
    let line: Int
    let column: Int

    init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    init(_ mark: Mark) { self.init(line: mark.line, column: mark.column) }
}

extension Node {
    /// Where this node begins.
    var position: Position? { mark.map(Position.init) }
}

/// The state of checking one file: what is wrong so far, and where each key stands.
struct Check {
    /// Where a key and its value stand.
    struct Place {
        var key: Position?
        var value: Position?
    }

    let file: String
    let files: FileFacts
    private(set) var mistakes: [Mistake] = []
    private var places: [String: Place] = [:]
    /// Every path of a file or directory that the file names.
    private(set) var paths: [String] = []

    init(file: String, files: FileFacts) {
        self.file = file
        self.files = files
    }

    /// Remembers where the value at `path` stands, and its key where it has one.
    mutating func note(_ path: String, key: Position? = nil, value: Position?) {
        places[path] = Place(key: key, value: value)
    }

    /// Remembers a path that the file names.
    mutating func notePath(_ path: String) { paths.append(path) }

    /// Whether the file has the key at `path`.
    func isPresent(_ path: String) -> Bool { places[path] != nil }

    /// Reports something wrong with the value at `path`; without one in the file, at the nearest key above it.
    mutating func report(_ path: String, _ message: String) {
        report(path, message, at: nearestPlace(path)?.value)
    }

    /// Reports something wrong with the key at `path` itself.
    mutating func reportKey(_ path: String, _ message: String) {
        let place = nearestPlace(path)
        report(path, message, at: place?.key ?? place?.value)
    }

    /// Reports something wrong at a place that has no path of its own.
    mutating func report(_ path: String, _ message: String, at position: Position?) {
        mistakes.append(Mistake(file: file, line: position?.line ?? 0, column: position?.column ?? 0, key: path, message: message))
    }

    private func nearestPlace(_ path: String) -> Place? {
        var path = path[...]
        while true {
            if let place = places[String(path)] { return place }
            guard let end = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { return places[""] }
            path = path[..<end]
        }
    }
}

import Ports

/// A name and a type; the name is canonical.
struct Question: Hashable, Sendable {
    let name: String
    let type: RecordType
}

/// Who waits for an answer, and where.
struct Asker: Sendable {
    let loop: any Loop
    let completion: @Sendable (DNSAnswer) -> Void

    /// Hands `answer` over on the asker's loop.
    func complete(_ answer: DNSAnswer) {
        loop.execute { completion(answer) }
    }
}

import DNS
import Ports
import SMTP

/// What the lists in DNS have said of a client so far.
struct ClientListing {
    /// Lists that have not answered yet.
    var pending = 0
    /// Lists that have the client, with their answers.
    var hits: [(list: DNSList, answer: IPAddress)] = []
    /// The moment from which on nobody waits for more.
    var deadline = Timestamp.distantPast
    /// Whether a recipient waits for the answers.
    var isAwaited = false

    /// The sum of the weights of the lists that have the client.
    var score: Int { hits.reduce(0) { $0 + $1.list.weight } }

    /// `score 12: zen.example 127.0.0.2 +10, other.example 127.0.0.3 +2`.
    var description: String {
        let parts = hits.map { "\($0.list.zone) \($0.answer) \($0.list.weight < 0 ? "" : "+")\($0.list.weight)" }
        return "score \(score): \(parts.sorted().joined(separator: ", "))"
    }
}

extension PolicySession {
    /// Asks the lists about the client; their answers are needed at the first recipient only.
    func askLists() {
        guard settings.dnsLists.mode != .off, !settings.dnsLists.lists.isEmpty, let resolver, let address = client.address else { return }
        listing.deadline = loop.now + settings.dnsLists.timeout
        listing.pending = settings.dnsLists.lists.count
        let session = LoopConfined(self, to: loop)
        for list in settings.dnsLists.lists {
            resolver.resolve(list.question(for: address), .a, on: loop) { answer in session.value.listAnswered(list, answer) }
        }
    }

    private func listAnswered(_ list: DNSList, _ answer: DNSAnswer) {
        listing.pending -= 1
        // One hit a list: an address that is in three of its parts does not weigh three times.
        if let hit = answer.addresses.first(where: { list.counts($0) }) {
            listing.hits.append((list, hit))
            isSuspect = isSuspect || list.weight > 0
        }
        if listing.pending == 0, listing.isAwaited {
            listing.isAwaited = false
            finish(listVerdict(), turn: turn)
        }
    }

    /// Whether the lists refuse the client; waits for those that have not answered.
    func checkLists() -> Outcome {
        guard settings.dnsLists.mode != .off, listing.pending > 0, loop.now < listing.deadline else { return listVerdict() }
        listing.isAwaited = true
        wait(until: listing.deadline) { session in
            guard session.listing.isAwaited else { return nil }
            session.listing.isAwaited = false
            return session.listVerdict()
        }
        return .later
    }

    private func listVerdict() -> Outcome {
        guard settings.dnsLists.mode != .off, !listing.hits.isEmpty else { return .pass }
        guard listing.score >= settings.dnsLists.refuseAt else {
            noteClient("dnsLists", listing.description)
            return .pass
        }
        let zones = listing.hits.filter { $0.list.weight > 0 }.map(\.list.zone).sorted().joined(separator: ", ")
        return judge(settings.dnsLists.mode, "dnsLists", saw: listing.description,
                     .reject(Reply(554, .init(5, 7, 1), "Client host [\(client.address?.description ?? "unknown")] is listed by \(zones)")))
    }

    /// Whether the lists speak for the client.
    var isTrustedByLists: Bool { settings.dnsLists.mode == .enforce && !listing.hits.isEmpty && listing.score <= settings.dnsLists.trustAt }
}

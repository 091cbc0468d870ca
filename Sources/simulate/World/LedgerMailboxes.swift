import BatonTesting
import Delivery
import MessageFormat
import Ports
import Receiving

/// Mailboxes in memory that enter each message into the ledger when it gets its place.
final class LedgerMailboxes: MailboxFiles, @unchecked Sendable {
    private let files = MemoryMailboxFiles()
    private let ledger: MailLedger
    private let simulator: Simulator

    init(ledger: MailLedger, simulator: Simulator) {
        self.ledger = ledger
        self.simulator = simulator
    }

    /// Has operations fail from now on, or all succeed again.
    func setFault(_ error: MailboxFileError?) {
        for operation in [MemoryMailboxFiles.Operation.create, .write, .sync, .move] {
            files.fail(operation, with: error != nil && simulator.random.chance(0.5) ? error : nil)
        }
    }

    func makeDirectory(_ path: MailboxPath) throws(MailboxFileError) { try files.makeDirectory(path) }

    func create(_ name: PathComponent, in directory: MailboxPath) throws(MailboxFileError) -> any MailboxFile {
        try files.create(name, in: directory)
    }

    func move(_ name: PathComponent, from source: MailboxPath, to newName: PathComponent,
              in destination: MailboxPath) throws(MailboxFileError) {
        try files.move(name, from: source, to: newName, in: destination)
        guard let content = files.files[destination.appending(newName).description] else { return }
        var lines = content[...]
        let returnPath = LedgerMailboxes.takeField("Return-Path: ", &lines)
        let recipient = LedgerMailboxes.takeField("Delivered-To: ", &lines)
        ledger.mark("mailbox: took")
        ledger.arrived(MailLedger.Arrival(host: WorldPlan.boxesDomain, reversePath: String(returnPath.filter { $0 != "<" && $0 != ">" }),
                                          recipients: [recipient], content: Array(lines), time: simulator.now, confirmed: simulator.now))
        try? files.remove(newName, in: destination)
    }

    func remove(_ name: PathComponent, in directory: MailboxPath) throws(MailboxFileError) { try files.remove(name, in: directory) }

    func append(_ bytes: [UInt8], to name: PathComponent, in directory: MailboxPath) throws(MailboxFileError) {
        try files.append(bytes, to: name, in: directory)
    }

    /// Takes the first line, if it is the field `name`, and returns its value.
    private static func takeField(_ name: String, _ bytes: inout ArraySlice<UInt8>) -> String {
        guard bytes.starts(with: Array(name.utf8)), let end = bytes.firstIndex(of: 13) else { return "" }
        let value = String(decoding: bytes[(bytes.startIndex + name.utf8.count)..<end], as: UTF8.self)
        bytes = bytes[end...].dropFirst(2)
        return value
    }
}

/// Who the simulated Baton takes mail for: mailboxes of one domain, aliases of another, and it relays for the clients.
struct WorldDirectory: RecipientDirectory {
    let plan: WorldPlan

    func finding(for address: EmailAddress) -> RecipientFinding {
        switch address.host.description {
        case WorldPlan.boxesDomain: .mailbox
        case WorldPlan.listsDomain: .alias(plan.finals(of: address.description).compactMap { try? EmailAddress(parsing: $0) })
        default: .remote
        }
    }
}

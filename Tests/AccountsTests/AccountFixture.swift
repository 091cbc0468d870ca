@testable import Accounts
import Cryptography
import Foundation
import Ports
import SMTP

/// A loop of its own thread: completions of the accounts come from other threads.
final class WaitingLoop: Loop, @unchecked Sendable {
    private let condition = NSCondition()
    private var jobs: [@Sendable () -> Void] = []
    var now = Timestamp(seconds: 1_795_287_555)
    var isCurrent: Bool { true }

    func execute(_ job: @escaping @Sendable () -> Void) {
        condition.withLock {
            jobs.append(job)
            condition.signal()
        }
    }

    func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer { LoopTimer {} }

    /// Runs what comes in until `value` is there.
    func run<Value>(until value: () -> Value?) -> Value {
        while true {
            if let value = value() { return value }
            let job = condition.withLock {
                while jobs.isEmpty { condition.wait() }
                return jobs.removeFirst()
            }
            job()
        }
    }
}

/// A value that is set later.
final class Later<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var stored: Value?
    var value: Value? {
        get { lock.withLock { stored } }
        set { lock.withLock { stored = newValue } }
    }
}

/// Accounts in a temporary database, at a cost that tests can afford.
struct AccountFixture {
    static let now = Timestamp(seconds: 1_795_287_555)
    let folder: String
    let database: AccountDatabase
    let loop = WaitingLoop()

    static var cost: PasswordCost {
        var cost = PasswordCost()
        cost.logN = 4
        cost.parallelization = 1
        cost.scramIterations = 4096
        return cost
    }

    init() throws {
        folder = NSTemporaryDirectory() + "baton-accounts-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        database = try AccountDatabase(path: folder + "/accounts.sqlite", cost: AccountFixture.cost)
    }

    func remove() {
        try? database.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func name(_ text: String) -> AccountName {
        guard let name = AccountName(text) else { preconditionFailure("a test names its accounts properly") }
        return name
    }

    func add(_ name: String, _ password: String, senders: SenderPatterns? = nil) throws {
        try database.add(Account(name: self.name(name), senders: senders, created: AccountFixture.now), password: Secret(password))
    }

    func authenticator(_ settings: AuthenticatorSettings = AuthenticatorSettings(), tokens: TokenVerifier? = nil,
                       file: PasswordFile? = nil) throws -> AccountAuthenticator {
        try AccountAuthenticator(database: database, file: file, tokens: tokens, settings: settings, cost: AccountFixture.cost)
    }

    func ask(_ authenticator: any Authenticator, _ request: AuthenticationRequest, from address: UInt32 = 0xc633_6401,
             certifiedNames: [String] = []) -> AuthenticationAnswer {
        var client = ClientIdentity(endpoint: .ip(.v4(address), port: 40_000), localEndpoint: .ip(.loopback, port: 587))
        client.certifiedNames = certifiedNames
        let attempt = AuthenticationAttempt(request, client: client, listener: "submission", isTLS: true, exchange: 1)
        let answer = Later<AuthenticationAnswer>()
        authenticator.authenticate(attempt, on: loop) { answer.value = $0 }
        return loop.run { answer.value }
    }
}

extension AuthenticationAnswer {
    /// The account, if there is one.
    var account: String? { if case .accepted(let account) = self { account.name } else { nil } }
}

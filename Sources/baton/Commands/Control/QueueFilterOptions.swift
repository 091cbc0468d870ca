import ArgumentParser
import Control

/// The options that choose messages; everything that is given must hold.
struct QueueFilterOptions: ParsableArguments {
    @Option(help: "The sender: an address, @domain, or <> for bounces.")
    var sender: String?

    @Option(help: "The account that submitted the message.")
    var account: String?

    @Option(help: "A recipient that still waits: an address or @domain.")
    var recipient: String?

    @Option(help: "The site, or a host within it.")
    var site: String?

    @Option(help: "resolving, deferred, ready, delivering, settling or held.")
    var state: String?

    @Option(help: "Accepted at least this long ago: 90s, 10m, 2h, 3d.")
    var olderThan: Age?

    @Option(help: "Accepted at most this long ago.")
    var youngerThan: Age?

    @Option(help: "Text within the last reply.")
    var reply: String?

    /// The filter of the request.
    var arguments: FilterArguments {
        var filter = FilterArguments()
        filter.sender = sender
        filter.account = account
        filter.recipient = recipient
        filter.site = site
        filter.state = state
        filter.olderThan = olderThan?.seconds
        filter.youngerThan = youngerThan?.seconds
        filter.lastReply = reply
        return filter
    }
}

/// A span of time on the command line: a number and `s`, `m`, `h`, `d` or `w`.
struct Age: ExpressibleByArgument {
    let seconds: Int64

    init?(argument: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800]
        guard let last = argument.last else { return nil }
        let digits = last.isNumber ? argument[...] : argument.dropLast()
        guard let factor = last.isNumber ? 1 : units[last], let number = Int64(digits), number >= 0 else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        seconds = product
    }
}

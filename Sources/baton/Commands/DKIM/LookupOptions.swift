import ArgumentParser
import Configuration
import DNS

/// Where the answers of `baton dkim check` and `rotate` come from.
struct LookupOptions: ParsableArguments {
    @Option(help: "A zone file that answers instead of DNS (the format of dns.zone).")
    var zone: String?

    /// The resolver that the zone file or the configuration names.
    func resolver(_ config: String) throws -> any Resolver {
        do {
            if let zone { return ZoneResolver(try Zone(contentsOf: zone)) }
            let configuration = (try? BatonConfiguration.load(config)) ?? BatonConfiguration()
            return try configuration.makeResolver()
        } catch {
            printError("\(error)")
            throw ExitCode.failure
        }
    }
}

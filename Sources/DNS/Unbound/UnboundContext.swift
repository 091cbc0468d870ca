import CUnbound
import Glibc
import Ports

/// A libunbound context in thread mode, set up and ready to be asked.
///
/// Sendable because the library locks a context in thread mode; `ub_process` and `ub_ctx_delete`
/// are called from the pump thread alone.
struct UnboundContext: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ settings: UnboundSettings) throws(ResolverStartError) {
        guard let pointer = ub_ctx_create() else {
            throw ResolverStartError(setting: "resolver", reason: "no memory")
        }
        self.pointer = pointer
        do throws(ResolverStartError) {
            try configure(settings)
        } catch {
            ub_ctx_delete(pointer)
            throw error
        }
    }

    private func configure(_ settings: UnboundSettings) throws(ResolverStartError) {
        // The library writes to standard error otherwise; what matters comes back in the answers.
        ub_ctx_debugout(pointer, nil)
        try check("thread mode", ub_ctx_async(pointer, 1))
        // Made for a program that asks now and then; the defaults allow 16 questions at once.
        try set("outgoing-range:", "\(min(max(settings.maxOutstanding, 16), 4096))")
        try set("num-queries-per-thread:", "\(min(max(settings.maxOutstanding * 2, 64), 4096))")
        try set("outgoing-num-tcp:", "32")
        try set("incoming-num-tcp:", "1")
        try set("msg-cache-size:", "8m")
        try set("rrset-cache-size:", "16m")
        try setUpstream(settings.upstream)
        if let file = settings.trustAnchorFile {
            // The library reads the file at the first question only, and then fails every one.
            guard access(file, R_OK) == 0 else {
                throw ResolverStartError(setting: "trust anchor \(file)", reason: String(cString: strerror(errno)))
            }
            try check("trust anchor \(file)", ub_ctx_add_ta_file(pointer, file))
        }
        if let file = settings.hostsFile { try check("hosts file \(file)", ub_ctx_hosts(pointer, file)) }
        // This ends the settings: what is changed after it is refused. The built-in empty zone for
        // `test.` (RFC 6761 §6.2) would hide the servers that were named for it.
        if settings.upstream != .rootServers { try check("zone test.", ub_ctx_zone_remove(pointer, "test.")) }
    }

    private func setUpstream(_ upstream: UnboundSettings.Upstream) throws(ResolverStartError) {
        switch upstream {
        case .rootServers:
            return
        case .system(let path):
            try check("resolver file \(path)", ub_ctx_resolvconf(pointer, path))
        case .forwarders(let servers):
            for case .ip(let address, let port) in servers {
                try check("forwarder \(address)@\(port)", ub_ctx_set_fwd(pointer, "\(address)@\(port)"))
            }
        }
        // Whoever names servers may have them on this machine, or have them serve private zones.
        try set("do-not-query-localhost:", "no")
        try set("unblock-lan-zones:", "yes")
        try set("insecure-lan-zones:", "yes")
    }

    private func set(_ option: String, _ value: String) throws(ResolverStartError) {
        try check("option \(option) \(value)", ub_ctx_set_option(pointer, option, value))
    }

    private func check(_ setting: String, _ code: Int32) throws(ResolverStartError) {
        guard code != 0 else { return }
        throw ResolverStartError(setting: setting, reason: String(cString: ub_strerror(code)))
    }
}

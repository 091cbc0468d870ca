@testable import baton
import Configuration
import Delivery
import Glibc
import Testing

@Suite struct SandboxPlanTests {
    private func plan(_ more: String = "") throws -> (plan: SandboxPlan, folder: TemporaryFolder) {
        let folder = try TemporaryFolder()
        try folder.write("{}", to: "zone.json")
        let path = try folder.write(RunningDaemon.configuration(65, more), to: "baton.yaml")
        return (SandboxPlan(try BatonConfiguration.load(path), path: path), folder)
    }

    @Test("Spool, mailboxes and sockets are written, the configuration is read")
    func places() throws {
        let (plan, folder) = try plan()
        #expect(plan.writable.contains(folder.path + "/spool") && plan.writable.contains(folder.path + "/mail"))
        let (elsewhere, other) = try self.plan("authentication: {database: accounts/accounts.sqlite}")
        #expect(elsewhere.writable.contains(other.path + "/accounts"))
        #expect(plan.readable.contains(folder.path) && !plan.readable.contains("/etc"))
    }

    @Test("A file that is a link is reached where it lies")
    func links() throws {
        let (_, folder) = try plan()
        let elsewhere = try TemporaryFolder()
        let real = try elsewhere.write("x", to: "hosts.txt")
        try #require(symlink(real, folder.path + "/hosts.txt") == 0)
        let text = RunningDaemon.configuration(65).replacing("dns: {zone: zone.json}", with: "dns: {hostsFile: hosts.txt, trustAnchor: none}")
        let path = try folder.write(text, to: "baton.yaml")
        let plan = SandboxPlan(try BatonConfiguration.load(path), path: path)
        let resolved = try #require(realpath(elsewhere.path, nil))
        defer { free(resolved) }
        #expect(plan.readable.contains(String(cString: resolved)))
    }

    @Test("The directories of mailboxes are made before the files are closed; one that cannot be is named")
    func mailboxes() throws {
        let folder = try TemporaryFolder()
        try folder.write("{}", to: "zone.json")
        try folder.write("in the way", to: "file")
        let text = RunningDaemon.configuration(65).replacing("mail/{domain}", with: "deep/down/mail/{domain}")
            .replacing("  away: {type: smarthost, hosts: nowhere.test}", with: "  away: {type: maildir, path: 'file/{user}'}")
        let path = try folder.write(text, to: "baton.yaml")
        let plan = SandboxPlan(try BatonConfiguration.load(path), path: path)
        #expect(plan.mailboxRoots == [folder.path + "/deep/down/mail", folder.path + "/file"])
        #expect(Set(plan.mailboxRoots).isSubset(of: plan.writable))
        let unmade = plan.makeMailboxRoots(POSIXMailboxFiles())
        #expect(access(folder.path + "/deep/down/mail", F_OK) == 0)
        #expect(unmade.map(\.path) == [folder.path + "/file"])
        #expect(unmade.first?.reason.contains("no directory is in the way") == true, "\(unmade)")
    }

    @Test("What a reload asks for beyond the plan is named")
    func missing() throws {
        let (plan, _) = try plan()
        var wider = plan
        wider.writable.append("/srv/elsewhere")
        wider.readable.append(plan.writable[0] + "/deep")
        #expect(plan.missing(for: plan) == [] && plan.missing(for: wider) == ["/srv/elsewhere"])
    }
}

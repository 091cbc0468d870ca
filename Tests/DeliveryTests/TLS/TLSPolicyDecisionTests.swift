import DNS
import MailAuth
import Testing

@testable import Delivery

@Suite("TLS policy decision")
struct TLSPolicyDecisionTests {
    private static let usable = DANEPolicy(baseDomain: "mx.a.example", records: [
        TLSARecord(usage: 3, selector: 1, matching: 1, data: [UInt8](repeating: 1, count: 32)),
    ], referenceNames: ["mx.a.example"])
    private static let unusable = DANEPolicy(baseDomain: "mx.a.example", records: [
        TLSARecord(usage: 1, selector: 1, matching: 1, data: [UInt8](repeating: 1, count: 32)),
    ], referenceNames: ["mx.a.example"])
    private static let problem = DANEProblem(isBogus: true, "bogus")

    private static func sts(_ mode: MTASTSPolicy.Mode, _ pattern: String = "*.a.example") -> MTASTSPolicy {
        MTASTSPolicy(mode: mode, mx: MTASTSPolicy.MXPattern(pattern).map { [$0] } ?? [], maxAge: 1000)
    }

    private static func rule(_ policy: MTASTSPolicy) -> TLSPolicy { .mtaSTS(MTASTSRule(domain: "a.example", host: "mx.a.example", policy: policy)) }

    struct Row: Sendable, CustomStringConvertible {
        var description: String
        var dane = DANEFinding.none
        var sts: MTASTSPolicy?
        var isHostProven = false
        var level = TLSLevel.auto
        var ordinary: TLSPolicy
        var required: TLSPolicy
        var waived: TLSPolicy = .opportunistic
    }

    static let verify = TLSPolicy.verify(names: ["mx.a.example"])
    static let table: [Row] = [
        Row(description: "nothing published", ordinary: .opportunistic, required: .withheld(.hostNotProven)),
        Row(description: "signed MX, no TLSA", isHostProven: true, ordinary: .opportunistic, required: verify),
        Row(description: "DANE", dane: .policy(usable), isHostProven: true, ordinary: .dane(usable), required: .dane(usable)),
        Row(description: "DANE, no record usable", dane: .policy(unusable), isHostProven: true, ordinary: .dane(unusable), required: verify),
        Row(description: "TLSA bogus", dane: .unavailable(problem), isHostProven: true, ordinary: .withheld(.daneUnknown(problem)),
            required: .withheld(.daneUnknown(problem))),
        Row(description: "MTA-STS enforce", sts: sts(.enforce), ordinary: rule(sts(.enforce)), required: verify),
        Row(description: "MTA-STS enforce, another host", sts: sts(.enforce, "mx.b.example"), ordinary: .withheld(.notInMTASTSPolicy),
            required: .withheld(.notInMTASTSPolicy)),
        Row(description: "MTA-STS testing never enforces", sts: sts(.testing, "mx.b.example"), ordinary: rule(sts(.testing, "mx.b.example")),
            required: .withheld(.notInMTASTSPolicy)),
        Row(description: "MTA-STS none is no policy", sts: sts(.none), ordinary: .opportunistic, required: .withheld(.hostNotProven)),
        Row(description: "DANE goes before MTA-STS", dane: .policy(usable), sts: sts(.enforce, "mx.b.example"), isHostProven: true,
            ordinary: .dane(usable), required: .dane(usable)),
        Row(description: "MTA-STS does not heal broken DANE", dane: .unavailable(problem), sts: sts(.enforce), isHostProven: true,
            ordinary: .withheld(.daneUnknown(problem)), required: .withheld(.daneUnknown(problem))),
        Row(description: "configured: none", dane: .policy(usable), level: .none, ordinary: .none, required: .withheld(.clearByConfiguration),
            waived: .none),
        Row(description: "configured: opportunistic", sts: sts(.enforce), level: .opportunistic, ordinary: .opportunistic, required: verify),
        Row(description: "configured: encrypt", level: .encrypt, ordinary: .encrypt, required: .withheld(.hostNotProven), waived: .encrypt),
        Row(description: "configured: verify", isHostProven: true, level: .verify, ordinary: verify, required: verify, waived: verify),
        Row(description: "configured: dane", dane: .policy(usable), level: .dane, ordinary: .dane(usable), required: .dane(usable),
            waived: .dane(usable)),
        Row(description: "configured: dane, none there", dane: .policy(unusable), level: .dane, ordinary: .withheld(.noUsableTLSA),
            required: .withheld(.noUsableTLSA), waived: .withheld(.noUsableTLSA)),
    ]

    @Test(arguments: table)
    func decision(_ row: Row) {
        let facts = TLSPolicyFacts(level: row.level, domain: "a.example", host: "mx.a.example", isHostProven: row.isHostProven,
                                   dane: row.dane, mtaSTS: MTASTSFinding(policy: row.sts))
        #expect(TLSPolicy(facts, for: .ordinary) == row.ordinary)
        #expect(TLSPolicy(facts, for: .required) == row.required)
        #expect(TLSPolicy(facts, for: .waived) == row.waived)
    }

    @Test("whatever is published, REQUIRETLS never ends in a policy that lets a connection be unproven")
    func requiredIsProven() {
        for row in TLSPolicyDecisionTests.table {
            let facts = TLSPolicyFacts(level: row.level, domain: "a.example", host: "mx.a.example", isHostProven: row.isHostProven,
                                       dane: row.dane, mtaSTS: MTASTSFinding(policy: row.sts))
            #expect(TLSPolicy(facts, for: .required).isProven, "\(row)")
        }
    }
}

import Metering
import PostgreSQL
import Testing

@testable import UsageStore

/// The store says what the ledger in memory says, whose rules are proven by themselves (invariants 1 and 2).
@Suite struct LedgerAgreementTests {
    @Test(arguments: [true, false], [1, 2, 3, 4] as [UInt64])
    func `Whatever happens between workers, database and job, the store agrees with the ledger`(
        hasBootIDs: Bool, seed: UInt64
    ) async throws {
        try await withStore(meteringSince: .at(11, 0)) { store in
            try await store.putShippedMetersInForce()
            for round in 0..<3 as Range<UInt64> {
                let number = seed * 100 + round
                var ledger = MemoryLedger(meteringSince: .at(11, 0))
                var fleet = SimulatedFleet(seed: number, hasBootIDs: hasBootIDs)
                try await store.pool.execute(
                    """
                    TRUNCATE epoch, epoch_baseline, tape, tape_change, stream_remark, consumption, consumption_rollup,
                        carried_over, unattributed, gap
                    """)
                try await fleet.live(store, &ledger)
                let run = try await store.aggregate()
                #expect(run.failures == [])
                let comment: Comment = "seed \(number)"
                let totals = try ledger.totals()
                let epochs = ledger.instances.reduce(0) { $0 + Int64($1.epochs) }
                #expect(try await store.number("SELECT count(*) FROM epoch") == epochs, comment)
                for tenant in ["acme", "globex"] {
                    let name = "http.tenant_\(tenant).downstream_rq_completed"
                    let expected = totals.filter { $0.name == name }.reduce(0) { $0 + $1.usage }
                    #expect(expected > 0, comment)
                    #expect(try await store.usage(of: tenant).requests == expected, comment)
                }
                let unattributed = totals.filter { $0.name.hasPrefix("cluster.") }.reduce(0) { $0 + $1.usage }
                let stored = try await store.number("SELECT COALESCE(sum(quantity), 0)::bigint FROM unattributed")
                #expect(stored == unattributed, comment)
                let checked = try await store.checkConservation(from: .at(11, 0), to: .at(24, 0))
                #expect(checked.differences == [], comment)
                #expect(checked.quarterHours > 0 && checked.waiting == 0, comment)
            }
        }
    }
}

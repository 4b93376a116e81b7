import Metering
import PostgreSQL
import TestSupport
import Testing

@testable import UsageStore

/// Any split, order and repetition of commits and runs of the job, with workers and jobs killed between statements,
/// gives the records of one clean run (invariant 1).
@Suite struct KilledRunsTests {
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func `Whatever is killed, split, repeated and reordered, the records are those of a clean run`(
        seed: UInt64
    ) async throws {
        var script = FleetScript(seed: seed)
        try await withStore(meteringSince: .at(11, 0)) { clean in
            try await clean.putShippedMetersInForce()
            var streams = script.streams()
            for event in script.events { event.flush(to: &streams) }
            for index in streams.indices { streams[index].end() }
            try await clean.commit(&streams)
            #expect(try await clean.aggregate().failures == [])
            try await clean.keepRollUps(ofTenant: "acme", zone: "Asia/Kathmandu")
            let expected = try await clean.records()
            #expect(expected.count > 20)

            try await withStore(meteringSince: .at(11, 0)) { store in
                try await store.putShippedMetersInForce()
                try await StatementProxy.run(before: store.pool.configuration) { proxy in
                    try await script.live(store, proxy)
                }
                let records = try await store.records()
                #expect(records.filter { !expected.contains($0) } == [], "seed \(seed): not of the clean run")
                #expect(expected.filter { !records.contains($0) } == [], "seed \(seed): of the clean run alone")
                #expect(try await store.checkConservation(from: .at(0, 0), to: .at(24, 0)).differences == [])
            }
        }
    }

    @Test(arguments: SteadyLife.Step.allCases)
    func `What dies before any of its statements leaves nothing that the next run does not mend`(
        step: SteadyLife.Step
    ) async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var life = SteadyLife(store)
            try await StatementProxy.run(before: store.pool.configuration) { proxy in
                while try await life.quarterHour(killing: step, proxy) {}
            }
            // It died before each of its statements, and had some: a job that finds nothing to do has fewer.
            #expect(life.deaths >= ([.job, .jobAfterPacking].contains(step) ? 30 : 6))
            let records = try await store.records()
            try await withStore { clean in
                try await clean.putShippedMetersInForce()
                try await life.cleanRun(clean)
                let expected = try await clean.records()
                #expect(expected.count > 20)
                #expect(records.filter { !expected.contains($0) } == [], "not of the clean run")
                #expect(expected.filter { !records.contains($0) } == [], "of the clean run alone")
            }
        }
    }
}

extension UsageStore {
    /// All that was derived, by names: numbers depend on who came first.
    func records() async throws -> [String] {
        try await names(
            """
            SELECT concat_ws(' ', 'record', tenant.name, service.name, quarter_hour, requests, active_connections_sum,
                active_connections_count, active_connections_maximum, carried_in, carried_since, carried_until)
            FROM consumption JOIN tenant USING (tenant_id) JOIN service USING (tenant_id, service_id)
            UNION ALL
            SELECT concat_ws(' ', 'roll-up', tenant.name, service.name, grain, zone, starts_at, ends_at, records,
                requests, active_connections_sum, active_connections_count, active_connections_maximum, carried_in)
            FROM consumption_rollup JOIN tenant USING (tenant_id) JOIN service USING (tenant_id, service_id)
            UNION ALL
            SELECT concat_ws(' ', 'over', tenant.name, quarter_hour, since, until, requests)
            FROM carried_over JOIN tenant USING (tenant_id)
            UNION ALL
            SELECT concat_ws(' ', 'unattributed', name, quarter_hour, quantity)
            FROM unattributed JOIN counter USING (gateway_id, counter_id)
            UNION ALL
            SELECT concat_ws(' ', 'gap', instance.name, reason, from_at, to_at, lower_bound, upper_bound)
            FROM gap JOIN instance USING (instance_id)
            ORDER BY 1
            """)
    }
}

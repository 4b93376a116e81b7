package import Metering
import PostgreSQL

/// At what one of a worker's odometers stands by its stored tape.
package struct StoredOdometer: Sendable {
    package var source: SourceKind
    package var gateway: String
    package var instance: String
    package var sealing: Odometer.Sealing
}

extension UsageStore {
    /// The odometers of a worker's epoch. Each reading of an odometer holds all its sums, so its latest tape is enough.
    package func odometers(of epoch: OdometerEpoch) async throws -> [StoredOdometer] {
        try await pool.withConnection { connection in
            let rows = try await connection.execute(
                """
                SELECT epoch.source_kind, gateway.name, instance.name, tape.first_flush_at, tape.last_flush_at,
                    tape.readings, counter_set.counters, epoch.instance_id
                FROM epoch
                JOIN instance ON instance.instance_id = epoch.instance_id
                JOIN gateway ON gateway.gateway_id = instance.gateway_id
                JOIN LATERAL (
                    SELECT * FROM tapes AS latest
                    WHERE latest.instance_id = epoch.instance_id AND latest.epoch_id = epoch.epoch_id
                        AND latest.quarter_hour = (
                            SELECT max(quarter_hour) FROM tapes AS any_tape
                            WHERE any_tape.instance_id = epoch.instance_id AND any_tape.epoch_id = epoch.epoch_id
                        )
                ) AS tape ON true
                JOIN counter_set ON counter_set.gateway_id = tape.gateway_id
                    AND counter_set.counter_set_id = tape.counter_set_id
                WHERE epoch.boot_id = $1
                """,
                [epoch.bootID])
            var found: [StoredOdometer] = []
            for row in rows {
                let numbers = try row.decode(6, as: [Int64].self)
                let names = try await names(of: numbers, on: connection)
                var sums: [String: Int64] = [:]
                let firstFlush = try row.timestamp(3)
                let lastFlush = try row.timestamp(4)
                let segment = Segment(
                    stream: StreamID(rawValue: 0), quarterHour: QuarterHour(containing: lastFlush), revision: 0,
                    firstFlush: firstFlush, lastFlush: lastFlush, flushes: 0, recentFlushes: [],
                    counters: numbers.map { CounterID(rawValue: $0) }, gauges: [], body: try row.decode(5),
                    gaugeBody: [], temporality: .cumulative)
                try segment.forEachRun { counter, run in
                    guard let name = names[counter.rawValue] else { return }
                    sums[name] = max(sums[name] ?? 0, run.peak.value)
                }
                found.append(
                    StoredOdometer(
                        source: try row.sourceKind(0), gateway: try row.decode(1), instance: try row.decode(2),
                        sealing: Odometer.Sealing(
                            lastExport: lastFlush,
                            sums: sums.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: $0.value) })))
            }
            return found
        }
    }

    private func names(of counters: [Int64], on connection: PostgresConnection) async throws -> [Int64: String] {
        let rows = try await connection.execute(
            "SELECT counter_id, name FROM counter WHERE counter_id = ANY($1::bigint[])", [counters])
        var names: [Int64: String] = [:]
        for row in rows { names[try row.decode(0)] = try row.decode(1, as: String.self) }
        return names
    }
}

import Metering
import PostgreSQL

/// A record before and after a unit was derived anew.
struct RecordChange {
    var key: RecordKey
    /// Nil where there was no record, or is none any more.
    var before: ConsumptionRecord?
    var after: ConsumptionRecord?
}

/// Keeps the roll-ups of a gateway: what changes in a quarter hour changes its hour, days and months by as much, in
/// the same transaction. One job at a time writes a gateway's roll-ups, from this lock to its commit.
struct RollUpWriter {
    let connection: PostgresConnection

    func apply(_ changes: [RecordChange], to unit: AggregationUnit) async throws {
        guard !changes.isEmpty else { return }
        _ = try await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('waybill.rollups.' || $1::text, 0))", [unit.gateway])
        let zones = try await zones(of: Set(changes.map(\.key.tenant)))
        var calendar = RollUpCalendar()
        var deltas = RollUpDeltas()
        for change in changes {
            var buckets = [RollUpCalendar.hour(of: unit.quarterHour.start)]
            for zone in [RollUpCalendar.utc] + (zones[change.key.tenant] ?? []) {
                buckets += try calendar.buckets(of: unit.quarterHour.start, zone: zone)
            }
            for bucket in buckets { deltas.append(change, bucket, unit.quarterHour) }
        }
        try await write(deltas, unit)
        if !deltas.shrunken.isEmpty { try await lower(deltas.shrunken, unit) }
        if deltas.hasRemovals { try await removeEmpty(deltas, unit) }
    }

    private func zones(of tenants: Set<Int64>) async throws -> [Int64: [String]] {
        let rows = try await connection.execute(
            "SELECT tenant_id, zone FROM rollup_zone WHERE tenant_id = ANY($1::bigint[]) ORDER BY tenant_id, zone",
            [tenants.sorted()])
        var zones: [Int64: [String]] = [:]
        for row in rows { zones[try row.decode(0), default: []].append(try row.decode(1)) }
        return zones
    }

    /// Changes the roll-ups that are there, and then makes those that are not. (In one statement, with the first in a
    /// WITH, Citus refuses it.)
    private func write(_ deltas: RollUpDeltas, _ unit: AggregationUnit) async throws {
        let answer = try await connection.execute(
            """
            UPDATE consumption_rollup AS rollup SET
                records = rollup.records + delta.records,
                requests = rollup.requests + delta.requests,
                new_connections = rollup.new_connections + delta.new_connections,
                active_connections_sum = rollup.active_connections_sum + delta.active_sum,
                active_connections_count = rollup.active_connections_count + delta.active_count,
                active_connections_maximum = GREATEST(rollup.active_connections_maximum, delta.active_maximum),
                received_bytes = rollup.received_bytes + delta.received_bytes,
                sent_bytes = rollup.sent_bytes + delta.sent_bytes,
                responses_1xx = rollup.responses_1xx + delta.responses_1xx,
                responses_2xx = rollup.responses_2xx + delta.responses_2xx,
                responses_3xx = rollup.responses_3xx + delta.responses_3xx,
                responses_4xx = rollup.responses_4xx + delta.responses_4xx,
                responses_5xx = rollup.responses_5xx + delta.responses_5xx,
                carried_in = rollup.carried_in + delta.carried_in
            FROM unnest(
                $4::bigint[], $5::text[], $6::text[], $7::timestamptz[], $8::bigint[], $9::bigint[], $10::bigint[],
                $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[],
                $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[]
            ) WITH ORDINALITY AS delta (
                tenant_id, grain, zone, starts_at, service_id, records, requests, new_connections, received_bytes,
                sent_bytes, responses_1xx, responses_2xx, responses_3xx, responses_4xx, responses_5xx, active_sum,
                active_count, active_maximum, carried_in, number
            )
            WHERE rollup.tenant_id = delta.tenant_id AND rollup.grain = delta.grain
                AND rollup.zone = delta.zone AND rollup.starts_at = delta.starts_at
                AND rollup.gateway_id = $1 AND rollup.service_id = delta.service_id
                AND rollup.starts_at >= $2 AND rollup.starts_at <= $3
            RETURNING delta.number
            """,
            [
                unit.gateway, deltas.starts.min()?.postgres, deltas.starts.max()?.postgres, deltas.tenants,
                deltas.grains, deltas.zones, deltas.starts.map(\.postgres), deltas.services, deltas.records,
            ] + deltas.quantities
        )
        var isThere = [Bool](repeating: false, count: deltas.tenants.count)
        for row in answer { isThere[Int(try row.decode(0, as: Int64.self)) - 1] = true }
        let new = deltas.picked(isThere.indices.filter { !isThere[$0] }, unit.quarterHour)
        guard !new.tenants.isEmpty else { return }
        _ = try await connection.execute(
            """
            INSERT INTO consumption_rollup (
                gateway_id, tenant_id, grain, zone, starts_at, service_id, ends_at, records, requests,
                new_connections, received_bytes, sent_bytes, responses_1xx, responses_2xx, responses_3xx,
                responses_4xx, responses_5xx, active_connections_sum, active_connections_count,
                active_connections_maximum, carried_in
            )
            SELECT $1, * FROM unnest(
                $2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[], $7::timestamptz[], $8::bigint[],
                $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
                $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[]
            )
            """,
            [
                unit.gateway, new.tenants, new.grains, new.zones, new.starts.map(\.postgres), new.services, new.ends,
                new.records,
            ] + new.quantities
        )
    }

    /// A maximum that may have been a roll-up's has become smaller: it is taken from the records again, where they are
    /// all there still.
    private func lower(_ shrunken: [RollUpDeltas.Shrunken], _ unit: AggregationUnit) async throws {
        _ = try await connection.execute(
            """
            UPDATE consumption_rollup AS rollup SET active_connections_maximum = (
                SELECT COALESCE(max(record.active_connections_maximum), 0) FROM consumption AS record
                WHERE record.tenant_id = rollup.tenant_id AND record.gateway_id = rollup.gateway_id
                    AND record.service_id = rollup.service_id
                    AND record.quarter_hour >= rollup.starts_at AND record.quarter_hour < rollup.ends_at
            )
            FROM unnest($2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[], $7::bigint[])
                AS shrunken (tenant_id, grain, zone, starts_at, service_id, before)
            WHERE rollup.tenant_id = shrunken.tenant_id AND rollup.grain = shrunken.grain
                AND rollup.zone = shrunken.zone AND rollup.starts_at = shrunken.starts_at
                AND rollup.gateway_id = $1 AND rollup.service_id = shrunken.service_id
                AND rollup.active_connections_maximum <= shrunken.before
                AND NOT EXISTS (
                    SELECT FROM retention_floor
                    WHERE subject = 'consumption' AND dropped_before > rollup.starts_at
                )
            """,
            [
                unit.gateway, shrunken.map(\.key.tenant), shrunken.map(\.bucket.grain.rawValue),
                shrunken.map(\.bucket.zone), shrunken.map(\.bucket.start.postgres), shrunken.map(\.key.service),
                shrunken.map(\.before),
            ]
        )
    }

    private func removeEmpty(_ deltas: RollUpDeltas, _ unit: AggregationUnit) async throws {
        _ = try await connection.execute(
            """
            DELETE FROM consumption_rollup AS rollup
            USING unnest($2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[])
                AS delta (tenant_id, grain, zone, starts_at, service_id)
            WHERE rollup.tenant_id = delta.tenant_id AND rollup.grain = delta.grain AND rollup.zone = delta.zone
                AND rollup.starts_at = delta.starts_at AND rollup.gateway_id = $1
                AND rollup.service_id = delta.service_id AND rollup.records = 0
            """,
            [
                unit.gateway, deltas.tenants, deltas.grains, deltas.zones, deltas.starts.map(\.postgres),
                deltas.services,
            ]
        )
    }
}

/// The columns of a batch of differences.
struct RollUpDeltas {
    struct Shrunken {
        var key: RecordKey
        var bucket: RollUpCalendar.Bucket
        /// The record's maximum before.
        var before: Int64
    }

    private(set) var tenants: [Int64] = []
    private(set) var grains: [String] = []
    private(set) var zones: [String] = []
    private(set) var starts: [Timestamp] = []
    private(set) var services: [Int64] = []
    private(set) var ends: [PostgresTimestamp] = []
    private(set) var records: [Int64] = []
    private(set) var counts = [[Int64]](repeating: [], count: Dimension.counted.count)
    private(set) var activeSums: [Int64] = []
    private(set) var activeCounts: [Int64] = []
    private(set) var activeMaxima: [Int64] = []
    private(set) var carriedIn: [Int64] = []
    private(set) var shrunken: [Shrunken] = []
    private(set) var hasRemovals = false
    private var sources: [(change: RecordChange, bucket: RollUpCalendar.Bucket)] = []

    var quantities: [any PostgresEncodable] {
        counts.map { $0 as any PostgresEncodable } + [activeSums, activeCounts, activeMaxima, carriedIn]
    }

    /// Some of the differences, by their places.
    func picked(_ places: [Int], _ quarterHour: QuarterHour) -> RollUpDeltas {
        var picked = RollUpDeltas()
        for place in places { picked.append(sources[place].change, sources[place].bucket, quarterHour) }
        return picked
    }

    mutating func append(_ change: RecordChange, _ bucket: RollUpCalendar.Bucket, _ quarterHour: QuarterHour) {
        sources.append((change, bucket))
        let before = change.before ?? ConsumptionRecord()
        let after = change.after ?? ConsumptionRecord()
        tenants.append(change.key.tenant)
        grains.append(bucket.grain.rawValue)
        zones.append(bucket.zone)
        starts.append(bucket.start)
        services.append(change.key.service)
        ends.append(bucket.end.postgres)
        records.append((change.after == nil ? 0 : 1) - (change.before == nil ? 0 : 1))
        for index in counts.indices { counts[index].append(after.counts[index] - before.counts[index]) }
        activeSums.append(after.activeSum - before.activeSum)
        activeCounts.append(after.activeCount - before.activeCount)
        activeMaxima.append(after.activeMaximum)
        carriedIn.append(
            after.carriedIn(into: bucket.start, at: quarterHour) - before.carriedIn(into: bucket.start, at: quarterHour)
        )
        if after.activeMaximum < before.activeMaximum {
            shrunken.append(Shrunken(key: change.key, bucket: bucket, before: before.activeMaximum))
        }
        if change.after == nil { hasRemovals = true }
    }
}

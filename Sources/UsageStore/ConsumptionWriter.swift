import Metering
import PostgreSQL

/// Replaces all that was derived for a unit, and keeps its roll-ups. What is as it was is left alone.
struct ConsumptionWriter {
    let connection: PostgresConnection
    let names: TenantNames

    init(connection: PostgresConnection, names: TenantNames = TenantNames()) {
        self.connection = connection
        self.names = names
    }

    /// - Returns: how many records were written or removed.
    @discardableResult
    func replace(_ unit: AggregationUnit, with derived: DerivedConsumption) async throws -> Int64 {
        let after = try await records(of: derived)
        let before = try await stored(unit)
        var changes: [RecordChange] = []
        for key in Set(before.keys).union(after.keys).sorted() where before[key] != after[key] {
            changes.append(RecordChange(key: key, before: before[key], after: after[key]))
        }
        try await write(changes, unit)
        try await RollUpWriter(connection: connection).apply(changes, to: unit)
        try await replaceUnattributed(unit, derived)
        try await replaceGaps(unit, derived)
        try await check(unit, after)
        return Int64(changes.count)
    }

    /// The derived quantities under their tenants' and services' numbers.
    private func records(of derived: DerivedConsumption) async throws -> [RecordKey: ConsumptionRecord] {
        let keys = try await names.keys(of: Array(derived.quantities.keys), on: connection)
        var records: [RecordKey: ConsumptionRecord] = [:]
        for (name, quantities) in derived.quantities {
            guard let key = keys[name] else {
                throw UsageStoreError(.corrupt, "service \(name.service) of \(name.tenant) has no number")
            }
            records[key] = quantities.record
        }
        return records
    }

    /// The records that are stored of a unit.
    func stored(_ unit: AggregationUnit) async throws -> [RecordKey: ConsumptionRecord] {
        let rows = try await connection.execute(
            """
            SELECT tenant_id, service_id, requests, new_connections, received_bytes, sent_bytes, responses_1xx,
                responses_2xx, responses_3xx, responses_4xx, responses_5xx, active_connections_sum,
                active_connections_count, active_connections_maximum, carried_in, carried_since, carried_until
            FROM consumption WHERE gateway_id = $1 AND quarter_hour = $2
            """,
            [unit.gateway, unit.quarterHour.start.postgres]
        )
        var records: [RecordKey: ConsumptionRecord] = [:]
        records.reserveCapacity(rows.count)
        for row in rows {
            var record = try ConsumptionRecord(row, from: 2)
            record.carriedSince = try row.optionalTimestamp(15)
            record.carriedUntil = try row.optionalTimestamp(16)
            records[RecordKey(tenant: try row.decode(0), service: try row.decode(1))] = record
        }
        let spans = try await connection.execute(
            """
            SELECT tenant_id, service_id, since, until, requests FROM carried_over
            WHERE gateway_id = $1 AND quarter_hour = $2 ORDER BY since
            """,
            [unit.gateway, unit.quarterHour.start.postgres]
        )
        for row in spans {
            let span = ConsumptionRecord.Span(
                since: try row.timestamp(2), until: try row.timestamp(3), requests: try row.decode(4))
            records[RecordKey(tenant: try row.decode(0), service: try row.decode(1))]?.spans.append(span)
        }
        return records
    }

    private func write(_ changes: [RecordChange], _ unit: AggregationUnit) async throws {
        guard !changes.isEmpty else { return }
        let quarterHour = unit.quarterHour.start.postgres
        let gone = changes.filter { $0.after == nil }
        if !gone.isEmpty {
            _ = try await connection.execute(
                """
                DELETE FROM consumption USING unnest($3::bigint[], $4::bigint[]) AS gone (tenant_id, service_id)
                WHERE gateway_id = $1 AND quarter_hour = $2
                    AND consumption.tenant_id = gone.tenant_id AND consumption.service_id = gone.service_id
                """,
                [unit.gateway, quarterHour, gone.map(\.key.tenant), gone.map(\.key.service)]
            )
        }
        let rows = changes.compactMap { change in change.after.map { (key: change.key, record: $0) } }
        let counts = Dimension.counted.indices.map { index in rows.map { $0.record.counts[index] } }
        _ = try await connection.execute(
            """
            INSERT INTO consumption (
                gateway_id, quarter_hour, tenant_id, service_id, requests, new_connections, received_bytes, sent_bytes,
                responses_1xx, responses_2xx, responses_3xx, responses_4xx, responses_5xx, active_connections_sum,
                active_connections_count, active_connections_maximum, carried_in, carried_since, carried_until
            )
            SELECT $1, $2, * FROM unnest(
                $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
                $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
                $16::bigint[], $17::bigint[], $18::timestamptz[], $19::timestamptz[]
            )
            ON CONFLICT (tenant_id, gateway_id, service_id, quarter_hour) DO UPDATE SET
                requests = excluded.requests, new_connections = excluded.new_connections,
                received_bytes = excluded.received_bytes, sent_bytes = excluded.sent_bytes,
                responses_1xx = excluded.responses_1xx, responses_2xx = excluded.responses_2xx,
                responses_3xx = excluded.responses_3xx, responses_4xx = excluded.responses_4xx,
                responses_5xx = excluded.responses_5xx, active_connections_sum = excluded.active_connections_sum,
                active_connections_count = excluded.active_connections_count,
                active_connections_maximum = excluded.active_connections_maximum,
                carried_in = excluded.carried_in, carried_since = excluded.carried_since,
                carried_until = excluded.carried_until
            """,
            [unit.gateway, quarterHour, rows.map(\.key.tenant), rows.map(\.key.service)]
                + counts.map { $0 as any PostgresEncodable }
                + [
                    rows.map(\.record.activeSum), rows.map(\.record.activeCount), rows.map(\.record.activeMaximum),
                    rows.map(\.record.carriedIn), rows.map { $0.record.carriedSince?.postgres },
                    rows.map { $0.record.carriedUntil?.postgres },
                ]
        )
        try await writeSpans(changes, unit)
    }

    private func writeSpans(_ changes: [RecordChange], _ unit: AggregationUnit) async throws {
        if changes.contains(where: { $0.before?.spans.isEmpty == false }) {
            _ = try await connection.execute(
                """
                DELETE FROM carried_over USING unnest($3::bigint[], $4::bigint[]) AS changed (tenant_id, service_id)
                WHERE gateway_id = $1 AND quarter_hour = $2
                    AND carried_over.tenant_id = changed.tenant_id AND carried_over.service_id = changed.service_id
                """,
                [
                    unit.gateway, unit.quarterHour.start.postgres, changes.map(\.key.tenant),
                    changes.map(\.key.service),
                ]
            )
        }
        let spans = changes.flatMap { change in (change.after?.spans ?? []).map { (key: change.key, span: $0) } }
        guard !spans.isEmpty else { return }
        _ = try await connection.execute(
            """
            INSERT INTO carried_over (gateway_id, quarter_hour, tenant_id, service_id, since, until, requests)
            SELECT $1, $2, * FROM unnest(
                $3::bigint[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::bigint[]
            )
            """,
            [
                unit.gateway, unit.quarterHour.start.postgres, spans.map(\.key.tenant), spans.map(\.key.service),
                spans.map(\.span.since.postgres), spans.map(\.span.until.postgres), spans.map(\.span.requests),
            ]
        )
    }

    /// What is stored of the unit now adds up to what was derived; else nothing of it is committed.
    private func check(_ unit: AggregationUnit, _ records: [RecordKey: ConsumptionRecord]) async throws {
        let rows = try await connection.execute(
            """
            SELECT count(*), COALESCE(sum(requests), 0)::text, COALESCE(sum(received_bytes), 0)::text FROM consumption
            WHERE gateway_id = $1 AND quarter_hour = $2
            """,
            [unit.gateway, unit.quarterHour.start.postgres]
        )
        guard let row = rows.first else { return }
        let derived = (
            Int64(records.count), records.values.reduce(Int128(0)) { $0 + Int128($1.counts[0]) }.description,
            records.values.reduce(Int128(0)) { $0 + Int128($1.counts[2]) }.description
        )
        let stored: (Int64, String, String) = (try row.decode(0), try row.decode(1), try row.decode(2))
        guard derived == stored else {
            throw UsageStoreError(
                .conservation,
                "derived were \(derived.0) records with \(derived.1) requests and \(derived.2) received bytes, stored "
                    + "would be \(stored.0) with \(stored.1) and \(stored.2): something else writes into consumption")
        }
    }

    // MARK: Beside the records

    private func replaceUnattributed(_ unit: AggregationUnit, _ derived: DerivedConsumption) async throws {
        let rows = derived.unattributed.sorted { $0.key < $1.key }
        _ = try await connection.execute(
            """
            DELETE FROM unattributed
            WHERE gateway_id = $1 AND quarter_hour = $2 AND counter_id NOT IN (SELECT unnest($3::bigint[]))
            """,
            [unit.gateway, unit.quarterHour.start.postgres, rows.map(\.key.rawValue)]
        )
        _ = try await connection.execute(
            """
            INSERT INTO unattributed (gateway_id, quarter_hour, counter_id, quantity)
            SELECT $1, $2, * FROM unnest($3::bigint[], $4::bigint[])
            ON CONFLICT (gateway_id, quarter_hour, counter_id) DO UPDATE SET quantity = excluded.quantity
            WHERE unattributed.quantity <> excluded.quantity
            """,
            [unit.gateway, unit.quarterHour.start.postgres, rows.map(\.key.rawValue), rows.map(\.value)]
        )
    }

    private func replaceGaps(_ unit: AggregationUnit, _ derived: DerivedConsumption) async throws {
        _ = try await connection.execute(
            "DELETE FROM gap WHERE gateway_id = $1 AND quarter_hour = $2",
            [unit.gateway, unit.quarterHour.start.postgres])
        let gaps = derived.gaps
        try await replaceEvidence(unit, derived)
        guard !gaps.isEmpty else { return }
        let tenants = try await names.tenants(
            Array(Set(gaps.compactMap(\.tenant))), remembers: false, on: connection)
        _ = try await connection.execute(
            """
            INSERT INTO gap (
                gateway_id, quarter_hour, instance_id, epoch_id, tenant_id, counter_id, reason, from_at, to_at,
                lower_bound, upper_bound, upper_basis
            )
            SELECT $1, $2, * FROM unnest(
                $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::timestamptz[],
                $9::timestamptz[], $10::bigint[], $11::bigint[], $12::text[]
            )
            """,
            [
                unit.gateway, unit.quarterHour.start.postgres, gaps.map(\.instance), gaps.map(\.gap.epoch),
                gaps.map { $0.tenant.flatMap { tenants[$0] } }, gaps.map { $0.gap.counter?.rawValue },
                gaps.map(\.gap.reason.rawValue), gaps.map(\.gap.from.postgres), gaps.map(\.gap.to.postgres),
                gaps.map(\.gap.lower), gaps.map(\.gap.upper), gaps.map(\.gap.basis?.rawValue),
            ]
        )
    }

    private func replaceEvidence(_ unit: AggregationUnit, _ derived: DerivedConsumption) async throws {
        _ = try await connection.execute(
            "DELETE FROM gap_evidence WHERE gateway_id = $1 AND quarter_hour = $2",
            [unit.gateway, unit.quarterHour.start.postgres])
        let rows = derived.evidence
        guard !rows.isEmpty else { return }
        let keys = try await names.keys(of: Array(Set(rows.map(\.key))), on: connection)
        let gaps = rows.map { derived.gaps[$0.gap] }
        // Two gaps of one instance, reason and interval are one here.
        _ = try await connection.execute(
            """
            INSERT INTO gap_evidence (
                gateway_id, quarter_hour, instance_id, epoch_id, reason, from_at, to_at, counter_id, tenant_id,
                service_id, requests, billed
            )
            SELECT $1, $2, instance_id, epoch_id, reason, from_at, to_at, counter_id, tenant_id, service_id,
                sum(requests)::bigint, sum(billed)::bigint
            FROM unnest(
                $3::bigint[], $4::bigint[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::bigint[],
                $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[]
            ) AS new (
                instance_id, epoch_id, reason, from_at, to_at, counter_id, tenant_id, service_id, requests, billed
            )
            GROUP BY instance_id, epoch_id, reason, from_at, to_at, counter_id, tenant_id, service_id
            """,
            [
                unit.gateway, unit.quarterHour.start.postgres, gaps.map(\.instance), gaps.map(\.gap.epoch),
                gaps.map(\.gap.reason.rawValue), gaps.map(\.gap.from.postgres), gaps.map(\.gap.to.postgres),
                gaps.map { $0.gap.counter?.rawValue ?? 0 }, rows.map { keys[$0.key]?.tenant },
                rows.map { keys[$0.key]?.service }, rows.map(\.requests), rows.map(\.billed),
            ]
        )
    }
}

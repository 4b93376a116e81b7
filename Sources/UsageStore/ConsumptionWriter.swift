import Metering
import PostgreSQL

/// Replaces all that was derived for a unit.
struct ConsumptionWriter {
    let connection: PostgresConnection

    func replace(_ unit: AggregationUnit, with derived: DerivedConsumption) async throws {
        let quarterHour = unit.quarterHour.start.postgres
        _ = try await connection.execute(
            "DELETE FROM consumption WHERE gateway_id = $1 AND quarter_hour = $2", [unit.gateway, quarterHour])
        _ = try await connection.execute(
            "DELETE FROM unattributed WHERE gateway_id = $1 AND quarter_hour = $2", [unit.gateway, quarterHour])
        _ = try await connection.execute(
            "DELETE FROM gap WHERE gateway_id = $1 AND quarter_hour = $2", [unit.gateway, quarterHour])
        let tenants = try await tenants(
            Set(derived.quantities.keys.map(\.tenant)).union(derived.gaps.compactMap(\.tenant)))
        let services = try await services(derived.quantities.keys, tenants)
        try await insertConsumption(unit, derived, tenants, services)
        try await insertUnattributed(unit, derived)
        try await insertGaps(unit, derived, tenants)
    }

    /// A name that a rule captured makes an unconfirmed tenant.
    private func tenants(_ names: Set<String>) async throws -> [String: Int64] {
        let sorted = names.sorted()
        _ = try await connection.execute(
            """
            INSERT INTO tenant (name)
            SELECT name FROM unnest($1::text[]) AS new (name)
            WHERE NOT EXISTS (SELECT FROM tenant WHERE tenant.name = new.name) ORDER BY name ON CONFLICT DO NOTHING
            """,
            [sorted]
        )
        let rows = try await connection.execute(
            "SELECT name, tenant_id FROM tenant WHERE name = ANY($1::text[])", [sorted])
        var numbers: [String: Int64] = [:]
        for row in rows { numbers[try row.decode(0)] = try row.decode(1, as: Int64.self) }
        return numbers
    }

    private func services(
        _ keys: some Collection<DerivedConsumption.Key>, _ tenants: [String: Int64]
    ) async throws -> [DerivedConsumption.Key: Int64] {
        let ordered = keys.sorted { ($0.tenant, $0.service) < ($1.tenant, $1.service) }
        let owners = ordered.compactMap { tenants[$0.tenant] }
        let names = ordered.map(\.service)
        _ = try await connection.execute(
            """
            INSERT INTO service (tenant_id, name)
            SELECT tenant_id, name FROM unnest($1::bigint[], $2::text[]) AS new (tenant_id, name)
            WHERE NOT EXISTS (
                SELECT FROM service WHERE service.tenant_id = new.tenant_id AND service.name = new.name
            )
            ORDER BY tenant_id, name ON CONFLICT DO NOTHING
            """,
            [owners, names]
        )
        let rows = try await connection.execute(
            """
            SELECT tenant.name, service.name, service_id FROM service JOIN tenant USING (tenant_id)
            WHERE tenant_id = ANY($1::bigint[])
            """,
            [owners]
        )
        var numbers: [DerivedConsumption.Key: Int64] = [:]
        for row in rows {
            let key = DerivedConsumption.Key(tenant: try row.decode(0), service: try row.decode(1))
            numbers[key] = try row.decode(2, as: Int64.self)
        }
        return numbers
    }

    private func insertConsumption(
        _ unit: AggregationUnit, _ derived: DerivedConsumption, _ tenants: [String: Int64],
        _ services: [DerivedConsumption.Key: Int64]
    ) async throws {
        let rows = derived.quantities.sorted { ($0.key.tenant, $0.key.service) < ($1.key.tenant, $1.key.service) }
        func counts(_ dimension: Dimension) -> [Int64] { rows.map { $0.value.counts[dimension] ?? 0 } }
        _ = try await connection.execute(
            """
            INSERT INTO consumption (
                gateway_id, quarter_hour, tenant_id, service_id, requests, new_connections,
                active_connections_micros, active_connections_maximum, received_bytes, sent_bytes, responses_1xx,
                responses_2xx, responses_3xx, responses_4xx, responses_5xx, carried_in, carried_since, carried_until
            )
            SELECT $1, $2, * FROM unnest(
                $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
                $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
                $16::bigint[], $17::timestamptz[], $18::timestamptz[]
            )
            """,
            [
                unit.gateway, unit.quarterHour.start.postgres, rows.compactMap { tenants[$0.key.tenant] },
                rows.compactMap { services[$0.key] }, counts(.requests), counts(.newConnections),
                rows.map(\.value.activeMicros), rows.map(\.value.activeMaximum), counts(.receivedBytes),
                counts(.sentBytes), counts(.responses1xx), counts(.responses2xx), counts(.responses3xx),
                counts(.responses4xx), counts(.responses5xx), rows.map(\.value.carriedIn),
                rows.map { $0.value.carriedSince?.postgres }, rows.map { $0.value.carriedUntil?.postgres },
            ]
        )
    }

    private func insertUnattributed(_ unit: AggregationUnit, _ derived: DerivedConsumption) async throws {
        let rows = derived.unattributed.sorted { $0.key < $1.key }
        _ = try await connection.execute(
            """
            INSERT INTO unattributed (gateway_id, quarter_hour, counter_id, quantity)
            SELECT $1, $2, * FROM unnest($3::bigint[], $4::bigint[])
            """,
            [unit.gateway, unit.quarterHour.start.postgres, rows.map(\.key.rawValue), rows.map(\.value)]
        )
    }

    private func insertGaps(
        _ unit: AggregationUnit, _ derived: DerivedConsumption, _ tenants: [String: Int64]
    ) async throws {
        let gaps = derived.gaps
        _ = try await connection.execute(
            """
            INSERT INTO gap (
                gateway_id, quarter_hour, instance_id, epoch_id, tenant_id, counter_id, reason, from_at, to_at,
                lower_bound, upper_bound
            )
            SELECT $1, $2, * FROM unnest(
                $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::timestamptz[],
                $9::timestamptz[], $10::bigint[], $11::bigint[]
            )
            """,
            [
                unit.gateway, unit.quarterHour.start.postgres, gaps.map(\.instance), gaps.map(\.gap.epoch),
                gaps.map { $0.tenant.flatMap { tenants[$0] } }, gaps.map { $0.gap.counter?.rawValue },
                gaps.map(\.gap.reason.rawValue), gaps.map(\.gap.from.postgres), gaps.map(\.gap.to.postgres),
                gaps.map(\.gap.lower), gaps.map(\.gap.upper),
            ]
        )
    }
}

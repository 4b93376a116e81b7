package import Metering
import PostgreSQL

extension UsageStore {
    /// Stores a batch without putting it in force.
    ///
    /// - Parameters:
    ///   - file: what its rows are called in messages: `usage.csv`.
    ///   - allowsNew: whether tenants and gateways that are not known are made; else they are refused.
    /// - Throws: `CorrectionRefusal`; then nothing is stored.
    package func propose(
        _ name: String, rows: [BackfillRow], source: String, kind: CorrectionBatch.Kind = .file, reason: String?,
        by operatorName: String, file: String, allowsNew: Bool = false
    ) async throws -> CorrectionBatch {
        try await pool.transaction(.readCommitted) { connection in
            let made = try await connection.execute(
                """
                INSERT INTO correction_batch (name, source, reason, proposed_by, kind) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (name) DO NOTHING RETURNING correction_batch_id
                """,
                [name, source, reason, operatorName, kind.rawValue]
            )
            guard let batch = try made.first?.decode(0, as: Int64.self) else {
                throw CorrectionRefusal(
                    .conflict, "there is a batch \(name) already; choose another name (waybill backfill list)")
            }
            let names = CorrectionNames(connection: connection, file: file, allowsNew: allowsNew)
            let numbered = try await names.number(rows)
            _ = try await connection.execute(
                """
                INSERT INTO correction (
                    tenant_id, correction_batch_id, gateway_id, service_id, quarter_hour, dimension, quantity
                )
                SELECT tenant_id, $1, gateway_id, service_id, quarter_hour, dimension, quantity
                FROM unnest(
                    $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::text[], $7::bigint[]
                ) AS new (tenant_id, gateway_id, service_id, quarter_hour, dimension, quantity)
                """,
                [
                    batch, numbered.map(\.tenant), numbered.map(\.gateway), numbered.map(\.service),
                    rows.map(\.quarterHour.start.postgres), rows.map(\.dimension.rawValue), rows.map(\.quantity),
                ]
            )
            try await CorrectionLimits(connection: connection).refuseDropped(batch)
            return try await Self.batch(name, on: connection).batch
        }
    }

    /// Puts a batch in force: the job lays it over the tapes' result in each quarter hour that it touches.
    ///
    /// - Throws: `CorrectionRefusal` where a record would fall below 0, or where the tapes that it would be laid over are
    ///   dropped; then nothing of it is in force.
    @discardableResult
    package func apply(correction name: String, by operatorName: String) async throws -> CorrectionBatch {
        try await change(name, from: .proposed, to: "applied", sign: 1) { connection, number in
            try await CorrectionLimits(connection: connection).refuseTwice(name, number)
            _ = try await connection.execute(
                "UPDATE correction_batch SET applied_at = now(), applied_by = $2 WHERE correction_batch_id = $1",
                [number, operatorName])
        }
    }

    /// Takes a batch out of force, as a whole.
    @discardableResult
    package func revert(correction name: String, by operatorName: String) async throws -> CorrectionBatch {
        try await change(name, from: .applied, to: "reverted", sign: -1) { connection, number in
            _ = try await connection.execute(
                "UPDATE correction_batch SET reverted_at = now(), reverted_by = $2 WHERE correction_batch_id = $1",
                [number, operatorName])
        }
    }

    /// All batches, the newest first.
    package func corrections() async throws -> [CorrectionBatch] {
        try await pool.withConnection { connection in
            try await connection.execute(
                """
                SELECT name, source, reason, proposed_at, proposed_by, applied_at, applied_by, reverted_at, reverted_by,
                    COALESCE(number, 0), kind
                FROM correction_batch LEFT JOIN (
                    SELECT correction_batch_id, count(*) AS number FROM correction GROUP BY correction_batch_id
                ) AS rows USING (correction_batch_id)
                ORDER BY correction_batch_id DESC
                """
            ).map { try CorrectionBatch($0) }
        }
    }

    /// A batch with what it makes of each tenant's dimensions. `before` is without it, also when it is in force.
    package func correction(_ name: String) async throws -> (
        batch: CorrectionBatch, differences: [CorrectionDifference]
    ) {
        try await pool.transaction(.repeatableRead) { connection in
            let (batch, number) = try await Self.batch(name, on: connection)
            let isApplied = batch.state == .applied
            let rows = try await connection.execute(
                """
                SELECT tenant.name, gateway.name, service.name, dimension, min(quarter_hour),
                    max(quarter_hour) + interval '15 minutes', count(*), COALESCE(sum(record.quantity), 0)::bigint,
                    sum(correction.quantity)::bigint
                FROM correction
                JOIN tenant USING (tenant_id) JOIN service USING (tenant_id, service_id)
                JOIN gateway USING (gateway_id)
                LEFT JOIN LATERAL (
                    SELECT (to_jsonb(consumption) ->> correction.dimension)::bigint AS quantity FROM consumption
                    WHERE consumption.tenant_id = correction.tenant_id
                        AND consumption.gateway_id = correction.gateway_id
                        AND consumption.service_id = correction.service_id
                        AND consumption.quarter_hour = correction.quarter_hour
                ) AS record ON true
                WHERE correction_batch_id = $1
                GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
                """,
                [number]
            )
            let differences = try rows.map { row in
                let stored: Int64 = try row.decode(7)
                let change: Int64 = try row.decode(8)
                let before = isApplied ? stored - change : stored
                return CorrectionDifference(
                    tenant: try row.decode(0), gateway: try row.decode(1), service: try row.decode(2),
                    dimension: try row.decode(3), from: try row.timestamp(4).description,
                    to: try row.timestamp(5).description, quarterHours: try row.decode(6), before: before,
                    change: change, after: before + change)
            }
            return (batch, differences)
        }
    }

    // MARK: Inside

    private static func batch(
        _ name: String, on connection: PostgresConnection, locked: Bool = false
    ) async throws -> (batch: CorrectionBatch, number: Int64) {
        if locked {
            _ = try await connection.execute("SELECT FROM correction_batch WHERE name = $1 FOR UPDATE", [name])
        }
        let rows = try await connection.execute(
            """
            SELECT name, source, reason, proposed_at, proposed_by, applied_at, applied_by, reverted_at, reverted_by,
                (
                    SELECT count(*) FROM correction
                    WHERE correction_batch_id = (SELECT correction_batch_id FROM correction_batch WHERE name = $1)
                ),
                kind, correction_batch_id
            FROM correction_batch WHERE name = $1
            """,
            [name]
        )
        guard let row = rows.first else {
            throw CorrectionRefusal(.unknown, "there is no batch \(name); waybill backfill list shows those that are")
        }
        return (try CorrectionBatch(row), try row.decode(11))
    }

    private func change(
        _ name: String, from state: CorrectionBatch.State, to next: String, sign: Int64,
        _ store: @Sendable (PostgresConnection, Int64) async throws -> Void
    ) async throws -> CorrectionBatch {
        try await pool.transaction(.readCommitted) { connection in
            let (batch, number) = try await Self.batch(name, on: connection, locked: true)
            guard batch.state == state else {
                throw CorrectionRefusal(
                    .conflict,
                    "batch \(name) is \(batch.state.rawValue): only one that is \(state.rawValue) can be \(next)")
            }
            try await CorrectionLimits(connection: connection).refuseDropped(number)
            try await Self.refuseShortRecords(number, sign: sign, on: connection)
            try await store(connection, number)
            let span = try await connection.execute(
                """
                SELECT min(quarter_hour), max(quarter_hour) FROM correction WHERE correction_batch_id = $1
                HAVING count(*) > 0
                """, [number])
            if let row = span.first {
                try await partitions.prepare(row.quarterHour(0)...row.quarterHour(1), on: connection)
            }
            _ = try await connection.execute(
                """
                INSERT INTO tape_change (gateway_id, quarter_hour)
                SELECT DISTINCT gateway_id, quarter_hour FROM correction WHERE correction_batch_id = $1
                """,
                [number]
            )
            return try await Self.batch(name, on: connection).batch
        }
    }

    /// Quantities may take away no more than the records hold.
    private static func refuseShortRecords(_ batch: Int64, sign: Int64, on connection: PostgresConnection) async throws
    {
        let short = try await connection.execute(
            """
            SELECT tenant.name, gateway.name, service.name, correction.dimension, correction.quarter_hour,
                correction.quantity * $2, COALESCE(record.quantity, 0)
            FROM correction
            JOIN tenant USING (tenant_id) JOIN service USING (tenant_id, service_id) JOIN gateway USING (gateway_id)
            LEFT JOIN LATERAL (
                SELECT (to_jsonb(consumption) ->> correction.dimension)::bigint AS quantity FROM consumption
                WHERE consumption.tenant_id = correction.tenant_id AND consumption.gateway_id = correction.gateway_id
                    AND consumption.service_id = correction.service_id
                    AND consumption.quarter_hour = correction.quarter_hour
            ) AS record ON true
            WHERE correction_batch_id = $1 AND COALESCE(record.quantity, 0) + correction.quantity * $2 < 0
            ORDER BY correction.quarter_hour, 1, 2, 3, 4 LIMIT 1
            """,
            [batch, sign]
        )
        guard let row = short.first else { return }
        let change: Int64 = try row.decode(5)
        throw CorrectionRefusal(
            .rows,
            "\(change) \(try row.decode(3, as: String.self)) of \(try row.decode(0, as: String.self)), gateway "
                + "\(try row.decode(1, as: String.self)), service \(try row.decode(2, as: String.self)), at "
                + "\(try row.timestamp(4)): the record holds \(try row.decode(6, as: Int64.self)), and would fall below 0; "
                + "nothing was changed. If quarter hours wait in the queue, run waybill aggregate --once first")
    }
}

package import Metering
import PostgreSQL

/// How far the readings of gateways are complete (rule 10): a period can close when its end has been passed.
package struct Watermark: Hashable, Sendable {
    /// What holds it.
    package struct Hold: Hashable, Sendable {
        package enum Reason: Hashable, Sendable {
            /// An epoch without an orderly end and without a successor, until this much later.
            case expected(until: Timestamp)
            /// A quarter hour that waits to be derived.
            case queued
        }

        package var gateway: String
        /// Nil for a quarter hour in the queue.
        package var instance: String?
        /// Its last reading, or the start of the quarter hour: before it, this holds nothing back.
        package var at: Timestamp
        package var reason: Reason
    }

    /// All before it has been read and derived.
    package var passed: Timestamp
    /// The earliest first, at most a hundred; empty where nothing is expected: then it is the present.
    package var holds: [Hold]

    /// Whether a period that ends at `end` can close.
    package func hasPassed(_ end: Timestamp) -> Bool { end <= passed }
}

extension UsageStore {
    /// The watermark of one gateway.
    ///
    /// - Throws: `UsageStoreError` with `unknownGateway`.
    package func watermark(of gateway: String, asOf: Timestamp? = nil) async throws -> Watermark {
        try await watermark(of: [gateway], asOf: asOf)
    }

    /// The watermark of several gateways: the earliest of theirs.
    package func watermark(of gateways: [String], asOf: Timestamp? = nil) async throws -> Watermark {
        try await pool.transaction(.repeatableRead, readOnly: true) { connection in
            var numbers: [Int64] = []
            for gateway in gateways { numbers.append(try await Self.gatewayNumber(gateway, on: connection)) }
            return try await watermark(numbers, asOf, on: connection)
        }
    }

    /// The watermark of all gateways that a tenant's traffic came through in `[start, end)`.
    ///
    /// - Throws: `UsageStoreError` with `unknownTenant`.
    package func watermark(
        ofTenant tenant: String, from start: Timestamp, to end: Timestamp, asOf: Timestamp? = nil
    ) async throws -> Watermark {
        try await pool.transaction(.repeatableRead, readOnly: true) { connection in
            let known = try await KnownTenant(tenant, on: connection)
            let source = try UsageSource(
                tenant: tenant, zones: known.zones, zone: RollUpCalendar.utc, start: start, end: end, windows: [start])
            let gateways = try await connection.execute(source.gateways).map { try $0.decode(0, as: Int64.self) }
            return try await watermark(gateways, asOf ?? known.now, on: connection)
        }
    }

    private func watermark(
        _ gateways: [Int64], _ asOf: Timestamp?, on connection: PostgresConnection
    ) async throws -> Watermark {
        let clock = try await connection.execute("SELECT now()")
        let now = try asOf ?? clock.first?.timestamp(0) ?? .earliest
        let rows = try await connection.execute(
            """
            SELECT gateway.name, held.instance, held.at, held.until FROM (
                SELECT epoch.gateway_id, instance.name AS instance, epoch.last_reading_at AS at,
                    epoch.last_reading_at + interval '24 hours' AS until
                FROM epoch JOIN instance USING (instance_id)
                WHERE epoch.gateway_id = ANY($1::bigint[]) AND NOT epoch.drained
                    AND epoch.last_reading_at > $2::timestamptz - interval '24 hours'
                    AND NOT EXISTS (
                        SELECT FROM epoch AS later
                        WHERE later.instance_id = epoch.instance_id AND later.source_kind = epoch.source_kind
                            AND later.first_received_at > epoch.last_received_at
                    )
                UNION ALL
                SELECT gateway_id, NULL, min(quarter_hour), NULL FROM tape_change
                WHERE gateway_id = ANY($1::bigint[]) GROUP BY gateway_id
            ) AS held JOIN gateway USING (gateway_id)
            ORDER BY held.at, gateway.name, held.instance LIMIT 100
            """,
            [gateways, now.postgres])
        let holds = try rows.map { row in
            Watermark.Hold(
                gateway: try row.decode(0), instance: try row.decode(1), at: try row.timestamp(2),
                reason: try row.optionalTimestamp(3).map { .expected(until: $0) } ?? .queued)
        }
        return Watermark(passed: min(holds.first?.at ?? now, now), holds: holds)
    }
}

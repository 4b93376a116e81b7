package import Metering
package import PostgreSQL

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
    /// The earliest first, at most a hundred epochs; empty where nothing is expected: then it is the present.
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
        let holds = try await Watermark.holds(of: gateways, asOf: now, on: connection)
        return Watermark(passed: min(holds.first?.at ?? now, now), holds: holds)
    }
}

extension Watermark {
    /// What holds the watermarks of gateways, the earliest first: the one rule, for who asks and for who finalizes.
    package static func holds(
        of gateways: [Int64], asOf now: Timestamp, on connection: PostgresConnection
    ) async throws -> [Hold] {
        let rows = try await connection.execute(
            """
            SELECT gateway.name, held.instance, held.at, held.until FROM (
                (SELECT epoch.gateway_id, instance.name AS instance, epoch.last_reading_at AS at,
                    epoch.last_reading_at + interval '24 hours' AS until
                FROM epoch JOIN instance USING (instance_id)
                WHERE epoch.gateway_id = ANY($1::bigint[]) AND NOT epoch.drained
                    AND epoch.last_read_on >= (($2::timestamptz - interval '24 hours') AT TIME ZONE 'UTC')::date
                    AND epoch.last_reading_at > $2::timestamptz - interval '24 hours'
                    AND NOT EXISTS (
                        SELECT FROM epoch AS later
                        WHERE later.instance_id = epoch.instance_id AND later.source_kind = epoch.source_kind
                            AND later.first_received_at > epoch.last_received_at
                    )
                ORDER BY at, instance LIMIT 100)
                UNION ALL
                SELECT gateway_id, NULL, min(quarter_hour), NULL FROM tape_change
                WHERE gateway_id = ANY($1::bigint[]) GROUP BY gateway_id
            ) AS held JOIN gateway USING (gateway_id)
            ORDER BY held.at, gateway.name, held.instance
            """,
            [gateways, now.postgres])
        return try rows.map { row in
            Hold(
                gateway: try row.decode(0), instance: try row.decode(1), at: try row.timestamp(2),
                reason: try row.optionalTimestamp(3).map { .expected(until: $0) } ?? .queued)
        }
    }
}

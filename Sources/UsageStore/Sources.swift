package import Metering
import PostgreSQL

/// What reports of a gateway, for `GET /v1/sources`.
package struct MeteredSource: Hashable, Sendable {
    package var gateway: String
    package var instance: String
    package var epoch: Int64
    package var bootID: String?
    /// Nil where the process gives no uptime.
    package var started: Timestamp?
    package var firstSeen: Timestamp
    package var lastSeen: Timestamp
    /// From its last tape; nil where that holds one flush. Unit: milliseconds.
    package var flushIntervalMilliseconds: Int64?
    /// By which way it is read.
    package var kind: SourceKind
    package var isDrained: Bool
    /// Without an orderly end, without a successor, and seen within 24 h (rule 10).
    package var isExpected: Bool
}

extension UsageStore {
    /// The epochs that were seen since an instant, by gateway, instance and time.
    ///
    /// - Parameter gateway: nil for all.
    /// - Throws: `UsageStoreError` with `unknownGateway`.
    package func sources(
        ofGateway gateway: String? = nil, seenSince: Timestamp, limit: Int64 = 1000
    ) async throws -> [MeteredSource] {
        try await pool.withConnection { connection in
            var number: Int64?
            if let gateway { number = try await Self.gatewayNumber(gateway, on: connection) }
            let rows = try await connection.execute(
                """
                SELECT gateway.name, instance.name, epoch.epoch_id, epoch.boot_id, epoch.started_at,
                    epoch.first_received_at, epoch.last_reading_at, epoch.drained,
                    NOT epoch.drained AND epoch.last_reading_at > now() - interval '24 hours' AND NOT EXISTS (
                        SELECT FROM epoch AS later
                        WHERE later.instance_id = epoch.instance_id AND later.source_kind = epoch.source_kind
                            AND later.first_received_at > epoch.last_received_at
                    ),
                    last.flush_interval, epoch.source_kind
                FROM epoch JOIN instance USING (instance_id) JOIN gateway ON gateway.gateway_id = epoch.gateway_id
                LEFT JOIN LATERAL (
                    SELECT (extract(epoch FROM last_flush_at - first_flush_at) * 1000)::bigint
                        / NULLIF(flushes - 1, 0) AS flush_interval
                    FROM tapes AS tape
                    WHERE tape.instance_id = epoch.instance_id AND tape.epoch_id = epoch.epoch_id
                        AND quarter_hour <= epoch.last_reading_at
                        AND quarter_hour > epoch.last_reading_at - interval '1 hour'
                    ORDER BY quarter_hour DESC, flushes DESC LIMIT 1
                ) AS last ON true
                WHERE ($1::bigint IS NULL OR epoch.gateway_id = $1) AND epoch.last_reading_at >= $2
                ORDER BY gateway.name, instance.name, epoch.first_received_at LIMIT $3
                """,
                [number, seenSince.postgres, limit])
            return try rows.map { row in
                MeteredSource(
                    gateway: try row.decode(0), instance: try row.decode(1), epoch: try row.decode(2),
                    bootID: try row.decode(3), started: try row.optionalTimestamp(4), firstSeen: try row.timestamp(5),
                    lastSeen: try row.timestamp(6), flushIntervalMilliseconds: try row.decode(9),
                    kind: try row.sourceKind(10), isDrained: try row.decode(7), isExpected: try row.decode(8))
            }
        }
    }
}

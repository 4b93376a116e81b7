package import Metering
import PostgreSQL

/// What one worker counted of one route in one quarter hour, by access logs: totals since it began to.
package struct EvidenceRow: Hashable, Sendable {
    package var gateway: String
    package var quarterHour: QuarterHour
    package var key: AccessLogEvidence.Key
    /// Random: a count that begins anew is another writer's.
    package var writer: Int64
    package var counts: AccessLogEvidence.Counts
    package var way: EvidenceWay

    package init(
        gateway: String, quarterHour: QuarterHour, key: AccessLogEvidence.Key, writer: Int64,
        counts: AccessLogEvidence.Counts, way: EvidenceWay = .stream
    ) {
        self.way = way
        self.gateway = gateway
        self.quarterHour = quarterHour
        self.key = key
        self.writer = writer
        self.counts = counts
    }
}

/// By which way an entry came. The ways show the same requests: the largest of them counts, not their sum.
package enum EvidenceWay: String, Hashable, Sendable, CaseIterable {
    /// Envoy's access log service.
    case stream
    /// JSON over HTTP.
    case push
    /// Files and pipes.
    case file
}

/// The requests of an instance that one worker found counted by one counter in one quarter hour, by the second.
package struct EvidenceSecondsRow: Hashable, Sendable {
    package var gateway: String
    /// Empty where the log does not say whose it is.
    package var instance: String
    package var counter: String
    package var writer: Int64
    package var way: EvidenceWay
    package var seconds: EvidenceSeconds

    package init(
        gateway: String, instance: String, counter: String, writer: Int64, way: EvidenceWay, seconds: EvidenceSeconds
    ) {
        self.gateway = gateway
        self.instance = instance
        self.counter = counter
        self.writer = writer
        self.way = way
        self.seconds = seconds
    }
}

/// The counters that access logs show requests of.
package enum EvidenceCounter {
    package static func manager(_ prefix: String) -> String { "http.\(prefix).downstream_rq_completed" }

    package static func cluster(_ name: String) -> String { "cluster.\(name).upstream_rq_completed" }
}

extension UsageStore {
    /// Stores evidence by the second, and has the gaps that it may narrow derived anew. A row that is stored again, or out
    /// of order, raises what is there and nothing else.
    package func store(evidenceSeconds rows: [EvidenceSecondsRow]) async throws {
        guard !rows.isEmpty else { return }
        try await pool.withConnection { connection in
            let dictionaries = Dictionaries(connection: connection)
            var gateways: [String: Int64] = [:]
            for name in Set(rows.map(\.gateway)) { gateways[name] = try await dictionaries.gateway(name) }
            // A gap of up to a day lies beside evidence of each of its quarter hours.
            _ = try await connection.execute(
                """
                WITH stored AS (
                    INSERT INTO access_log_second (
                        gateway_id, quarter_hour, instance, counter, writer_id, way, answered, seconds
                    )
                    SELECT * FROM unnest(
                        $1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[], $6::text[],
                        $7::bigint[], $8::bytea[]
                    )
                    ON CONFLICT (gateway_id, quarter_hour, instance, counter, writer_id) DO UPDATE SET
                        answered = excluded.answered, seconds = excluded.seconds
                    WHERE access_log_second.answered < excluded.answered
                    RETURNING gateway_id, quarter_hour
                )
                INSERT INTO tape_change (gateway_id, quarter_hour)
                SELECT DISTINCT gap.gateway_id, gap.quarter_hour
                FROM (SELECT DISTINCT gateway_id, quarter_hour FROM stored) AS stored
                JOIN gap ON gap.gateway_id = stored.gateway_id
                    AND gap.quarter_hour BETWEEN stored.quarter_hour - interval '25 hours'
                        AND stored.quarter_hour + interval '25 hours'
                    AND from_at < stored.quarter_hour + interval '15 minutes' AND to_at > stored.quarter_hour
                """,
                [
                    rows.map { gateways[$0.gateway] }, rows.map { $0.seconds.quarterHour.start.postgres },
                    rows.map(\.instance), rows.map(\.counter), rows.map(\.writer), rows.map(\.way.rawValue),
                    rows.map(\.seconds.answered), rows.map(\.seconds.body),
                ])
        }
    }

    /// Stores evidence. A row that is stored again, or out of order, raises what is there and nothing else.
    package func store(evidence rows: [EvidenceRow]) async throws {
        guard !rows.isEmpty else { return }
        try await pool.withConnection { connection in
            let dictionaries = Dictionaries(connection: connection)
            var gateways: [String: Int64] = [:]
            for name in Set(rows.map(\.gateway)) { gateways[name] = try await dictionaries.gateway(name) }
            _ = try await connection.execute(
                """
                INSERT INTO access_log_evidence (
                    gateway_id, quarter_hour, prefix, route, writer_id, answered, answered_5xx, unanswered,
                    internal_redirects, connections, first_at, last_at, way, cluster
                )
                SELECT * FROM unnest(
                    $1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
                    $8::bigint[], $9::bigint[], $10::bigint[], $11::timestamptz[], $12::timestamptz[], $13::text[],
                    $14::text[]
                )
                ON CONFLICT (gateway_id, quarter_hour, prefix, route, cluster, writer_id) DO UPDATE SET
                    answered = GREATEST(access_log_evidence.answered, excluded.answered),
                    answered_5xx = GREATEST(access_log_evidence.answered_5xx, excluded.answered_5xx),
                    unanswered = GREATEST(access_log_evidence.unanswered, excluded.unanswered),
                    internal_redirects = GREATEST(
                        access_log_evidence.internal_redirects, excluded.internal_redirects),
                    connections = GREATEST(access_log_evidence.connections, excluded.connections),
                    first_at = LEAST(access_log_evidence.first_at, excluded.first_at),
                    last_at = GREATEST(access_log_evidence.last_at, excluded.last_at)
                """,
                [
                    rows.map { gateways[$0.gateway] }, rows.map { $0.quarterHour.start.postgres },
                    rows.map(\.key.prefix),
                    rows.map(\.key.route), rows.map(\.writer), rows.map(\.counts.answered),
                    rows.map { $0.counts.byClass[5] }, rows.map(\.counts.unanswered),
                    rows.map(\.counts.internalRedirects), rows.map(\.counts.connections),
                    rows.map { $0.counts.first.postgres }, rows.map { $0.counts.last.postgres },
                    rows.map(\.way.rawValue), rows.map(\.key.cluster),
                ])
        }
    }

    /// The requests that access logs show of a gateway's connection manager in a stretch of quarter hours.
    package func answeredByAccessLogs(
        gateway: String, prefix: String, from: Timestamp, to: Timestamp
    ) async throws -> Int64 {
        let rows = try await pool.execute(
            """
            SELECT COALESCE(sum(answered), 0)::bigint FROM (
                SELECT max(answered) AS answered FROM (
                    SELECT quarter_hour, way, sum(answered) AS answered
                    FROM access_log_evidence JOIN gateway USING (gateway_id)
                    WHERE gateway.name = $1 AND prefix = $2 AND quarter_hour >= $3 AND quarter_hour < $4
                    GROUP BY quarter_hour, way
                ) AS ways GROUP BY quarter_hour
            ) AS quarter_hours
            """,
            [gateway, prefix, from.postgres, to.postgres])
        return try rows.first?.decode(0) ?? 0
    }
}

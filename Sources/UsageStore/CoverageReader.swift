package import Metering
package import PostgreSQL

/// What was observed of gateways in a period, as statements.
///
/// The gateways are those given and those that a tenant's roll-ups name: so the statements can be sent before it is known
/// which these are.
package struct CoverageReader {
    private let gateways: [Int64]
    private let tenant: String
    private let grain: String
    private let zone: String
    private let start: Timestamp
    private let end: Timestamp

    package init(of gateways: [Int64], from start: Timestamp, to end: Timestamp) {
        self.init(of: gateways, and: nil, from: start, to: end)
    }

    /// Of gateways and of those that a source names; a source of quarter hours names none.
    init(of gateways: [Int64], and source: UsageSource?, from start: Timestamp, to end: Timestamp) {
        self.gateways = gateways
        self.start = start
        self.end = end
        tenant = source?.tenant ?? ""
        if case .rollUp(let grain, let zone)? = source?.records {
            self.grain = grain.rawValue
            self.zone = zone
        } else {
            (grain, zone) = ("", "")
        }
    }

    /// The gaps of the tenant, and those of the gateways that concern all tenants.
    var gaps: PostgresStatement {
        PostgresStatement(
            """
            SELECT gateway.name, instance.name, gap.from_at, gap.to_at, gap.reason, lower_bound, upper_bound, upper_basis,
                COALESCE(log.requests, 0)::bigint, COALESCE(log.billed, 0)::bigint
            FROM gap JOIN gateway USING (gateway_id) JOIN instance ON instance.instance_id = gap.instance_id
            LEFT JOIN LATERAL (
                SELECT sum(requests) AS requests, sum(billed) AS billed FROM gap_evidence AS shown
                WHERE shown.gateway_id = gap.gateway_id AND shown.quarter_hour = gap.quarter_hour
                    AND shown.instance_id = gap.instance_id AND shown.epoch_id = gap.epoch_id
                    AND shown.reason = gap.reason AND shown.from_at = gap.from_at AND shown.to_at = gap.to_at
                    AND shown.counter_id = COALESCE(gap.counter_id, 0)
                    AND shown.tenant_id = (SELECT tenant_id FROM tenant WHERE name = $4)
            ) AS log ON true
            WHERE gap.quarter_hour >= $2 AND quarter_hour < $3 AND gap.gateway_id = ANY($1::bigint[] || ARRAY(
                    SELECT DISTINCT gateway_id FROM consumption_rollup
                    WHERE tenant_id = (SELECT tenant_id FROM tenant WHERE name = $4)
                        AND grain = $5 AND zone = $6 AND starts_at >= $2 AND starts_at < $3
                ))
                AND (gap.tenant_id = (SELECT tenant_id FROM tenant WHERE name = $4) OR gap.tenant_id IS NULL)
            ORDER BY gap.from_at, instance.name, gap.reason, gap_id
            """,
            [gateways, start.postgres, end.postgres, tenant, grain, zone])
    }

    /// The epochs of the gateways, of the highest source that reported from each in the period. Those that had ended before
    /// it are not looked at.
    package var lives: PostgresStatement {
        PostgresStatement(
            """
            SELECT started_at, observed_from, last_reading_at, drained, successor_started_at, is_inherited
            FROM (
                SELECT COALESCE(epoch.started_at, epoch.first_received_at) AS started_at,
                    COALESCE(epoch.baseline_at, epoch.started_at, epoch.first_received_at) AS observed_from,
                    epoch.last_reading_at, epoch.drained,
                    COALESCE(successor.started_at, successor.first_received_at) AS successor_started_at,
                    COALESCE(successor.first_hot_restart_epoch > epoch.last_hot_restart_epoch, false) AS is_inherited,
                    epoch.source_kind,
                    min(epoch.source_kind) FILTER (
                        WHERE epoch.last_reading_at >= $2 AND epoch.first_received_at < $3
                    ) OVER (PARTITION BY epoch.gateway_id) AS highest
                FROM epoch
                LEFT JOIN LATERAL (
                    SELECT started_at, first_received_at, first_hot_restart_epoch FROM epoch AS later
                    WHERE later.instance_id = epoch.instance_id AND later.source_kind = epoch.source_kind
                        AND later.first_received_at > epoch.last_received_at
                    ORDER BY later.first_received_at LIMIT 1
                ) AS successor ON true
                WHERE epoch.gateway_id = ANY($1::bigint[] || ARRAY(
                        SELECT DISTINCT gateway_id FROM consumption_rollup
                        WHERE tenant_id = (SELECT tenant_id FROM tenant WHERE name = $4)
                            AND grain = $5 AND zone = $6 AND starts_at >= $2 AND starts_at < $3
                    ))
                    AND epoch.last_read_on >= (($2::timestamptz - interval '24 hours') AT TIME ZONE 'UTC')::date
                    AND epoch.last_reading_at >= $2::timestamptz - interval '24 hours'
                    AND COALESCE(epoch.started_at, epoch.first_received_at) < $3
            ) AS life
            WHERE source_kind <= COALESCE(highest, source_kind)
            """,
            [gateways, start.postgres, end.postgres, tenant, grain, zone])
    }
}

extension MonthlyUsage.GapReport {
    /// A row of ``CoverageReader/gaps``.
    init(_ row: PostgresRow) throws {
        self.init(
            gateway: try row.decode(0), instance: try row.decode(1), from: try row.timestamp(2).description,
            to: try row.timestamp(3).description, reason: try row.decode(4), lower: try row.decode(5),
            upper: try row.decode(6), basis: try row.decode(7), evidence: try row.decode(8), billed: try row.decode(9))
    }
}

extension Coverage.Life {
    /// A row of ``CoverageReader/lives``.
    package init(_ row: PostgresRow) throws {
        self.init(
            started: try row.timestamp(0), observedFrom: try row.timestamp(1), lastReading: try row.timestamp(2),
            isDrained: try row.decode(3), successorStarted: try row.optionalTimestamp(4),
            isInherited: try row.decode(5))
    }
}

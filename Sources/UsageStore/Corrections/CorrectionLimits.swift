import Metering
import PostgreSQL

/// What a batch may not do: change what is never derived anew, or bill twice what it was made of.
struct CorrectionLimits {
    let connection: PostgresConnection

    /// Refuses quarter hours whose tapes retention has dropped: their records stay as they are, whatever is corrected.
    func refuseDropped(_ batch: Int64) async throws {
        let rows = try await connection.execute(
            """
            SELECT min(quarter_hour), count(DISTINCT quarter_hour), max(dropped_before)
            FROM correction JOIN retention_floor ON subject IN ('tape', 'consumption') AND quarter_hour < dropped_before
            WHERE correction_batch_id = $1 HAVING count(*) > 0
            """, [batch])
        guard let row = rows.first else { return }
        let number: Int64 = try row.decode(1)
        throw CorrectionRefusal(
            .rows,
            "\(number == 1 ? "1 quarter hour lies" : "\(number) quarter hours lie"), from \(try row.timestamp(0)) on, "
                + "before \(try row.timestamp(2)): retention has dropped all tapes before it, and what was derived from "
                + "them is never derived anew, so a correction there would change nothing. Leave these rows out; give back "
                + "what was billed too much with waybill credit-note issue or waybill tenant credit")
    }

    /// Refuses to apply what a batch in force has billed already of the same evidence or captures.
    func refuseTwice(_ name: String, _ batch: Int64) async throws {
        // Two operators at once: the second sees what the first has put in force.
        _ = try await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('waybill.corrections', 0))")
        try await refuseBilledEvidence(name, batch)
        try await refuseBilledCaptures(name, batch)
    }

    /// Of a tenant's service and quarter hour no more is billed than access logs show inside its gaps.
    private func refuseBilledEvidence(_ name: String, _ batch: Int64) async throws {
        let rows = try await connection.execute(
            """
            WITH proposed AS (
                SELECT tenant_id, gateway_id, service_id, quarter_hour, quantity
                FROM correction JOIN correction_batch USING (correction_batch_id)
                WHERE correction_batch_id = $1 AND kind = 'evidence'
            ),
            shown AS (
                SELECT tenant_id, gateway_id, service_id, quarter_hour, sum(requests) AS requests FROM gap_evidence
                WHERE (gateway_id, quarter_hour) IN (SELECT gateway_id, quarter_hour FROM proposed)
                GROUP BY 1, 2, 3, 4
            ),
            billed AS (
                SELECT tenant_id, gateway_id, service_id, quarter_hour, sum(quantity) AS requests
                FROM correction JOIN correction_batch USING (correction_batch_id)
                WHERE (gateway_id, quarter_hour) IN (SELECT gateway_id, quarter_hour FROM proposed)
                    AND kind = 'evidence' AND applied_at IS NOT NULL AND reverted_at IS NULL
                GROUP BY 1, 2, 3, 4
            )
            SELECT tenant.name, gateway.name, quarter_hour, proposed.quantity, COALESCE(shown.requests, 0)::bigint,
                COALESCE(billed.requests, 0)::bigint
            FROM proposed LEFT JOIN shown USING (tenant_id, gateway_id, service_id, quarter_hour)
            LEFT JOIN billed USING (tenant_id, gateway_id, service_id, quarter_hour)
            JOIN tenant USING (tenant_id) JOIN gateway USING (gateway_id)
            WHERE proposed.quantity + COALESCE(billed.requests, 0) > COALESCE(shown.requests, 0)
            ORDER BY quarter_hour, 1, 2 LIMIT 1
            """, [batch])
        guard let row = rows.first else { return }
        throw CorrectionRefusal(
            .conflict,
            "batch \(name) would bill \(try row.decode(3, as: Int64.self)) requests of "
                + "\(try row.decode(0, as: String.self)) at \(try row.decode(1, as: String.self)), \(try row.timestamp(2)): "
                + "the access log shows \(try row.decode(4, as: Int64.self)) inside gaps there, of which other batches bill "
                + "\(try row.decode(5, as: Int64.self)); propose it anew under another name")
    }

    /// What captures say of a record is said once.
    private func refuseBilledCaptures(_ name: String, _ batch: Int64) async throws {
        let rows = try await connection.execute(
            """
            SELECT tenant.name, gateway.name, correction.quarter_hour, earlier.name
            FROM correction JOIN correction_batch USING (correction_batch_id)
            JOIN tenant USING (tenant_id) JOIN gateway USING (gateway_id)
            JOIN correction AS other ON other.tenant_id = correction.tenant_id
                AND other.gateway_id = correction.gateway_id AND other.quarter_hour = correction.quarter_hour
                AND other.correction_batch_id <> correction.correction_batch_id
            JOIN correction_batch AS earlier ON earlier.correction_batch_id = other.correction_batch_id
            WHERE correction.correction_batch_id = $1 AND correction_batch.kind = 'captures'
                AND earlier.kind = 'captures' AND earlier.applied_at IS NOT NULL AND earlier.reverted_at IS NULL
            ORDER BY correction.quarter_hour, 1, 2 LIMIT 1
            """, [batch])
        guard let row = rows.first else { return }
        let earlier: String = try row.decode(3)
        throw CorrectionRefusal(
            .conflict,
            "batch \(name) says what \(try row.decode(0, as: String.self)) used at "
                + "\(try row.decode(1, as: String.self)), \(try row.timestamp(2)), and so does batch \(earlier), which is in "
                + "force: what is in both would be billed twice. Take it out with waybill backfill revert \(earlier), and "
                + "propose all captures of that time in one batch")
    }
}

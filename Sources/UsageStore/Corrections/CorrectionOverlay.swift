import Metering
import PostgreSQL

/// Lays the corrections in force over what a unit's tapes say.
struct CorrectionOverlay {
    let connection: PostgresConnection

    /// - Throws: `UsageStoreError` with `correction` where a record would fall below 0: the unit stays in the queue.
    func lay(over derived: inout DerivedConsumption, _ unit: AggregationUnit) async throws {
        let rows = try await connection.execute(
            """
            SELECT tenant.name, service.name, dimension, correction.quantity, batch.name
            FROM correction JOIN correction_batch AS batch USING (correction_batch_id)
            JOIN tenant USING (tenant_id) JOIN service USING (tenant_id, service_id)
            WHERE gateway_id = $1 AND quarter_hour = $2 AND applied_at IS NOT NULL AND reverted_at IS NULL
            ORDER BY correction.quantity DESC, batch.name
            """,
            [unit.gateway, unit.quarterHour.start.postgres]
        )
        for row in rows {
            guard let dimension = Dimension(rawValue: try row.decode(2)) else { continue }
            let key = DerivedConsumption.Key(tenant: try row.decode(0), service: try row.decode(1))
            let quantity: Int64 = try row.decode(3)
            guard derived.correct(key, dimension, by: quantity) else {
                throw UsageStoreError(
                    .correction,
                    "batch \(try row.decode(4, as: String.self)) takes \(quantity.magnitude) \(dimension.rawValue) from "
                        + "\(key.tenant), service \(key.service), which no longer has as many; "
                        + "waybill backfill revert \(try row.decode(4, as: String.self)) takes the batch out of force")
            }
        }
    }
}

extension DerivedConsumption {
    /// Adds to a quantity. False, and nothing done, where it would fall below 0 or grow too large.
    mutating func correct(_ key: Key, _ dimension: Dimension, by quantity: Int64) -> Bool {
        var corrected = quantities[key] ?? Quantities()
        let (sum, overflow) = (corrected.counts[dimension] ?? 0).addingReportingOverflow(quantity)
        guard !overflow, sum >= 0 else { return false }
        corrected.counts[dimension] = sum
        if dimension == .requests { corrected.carriedIn = min(corrected.carriedIn, sum) }
        quantities[key] = corrected
        return true
    }
}

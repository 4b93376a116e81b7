import Metering
import PostgreSQL
import UsageStore

/// The frozen inputs of an invoice against the consumption records as they are now.
struct ConsumptionCheck {
    let connection: PostgresConnection
    let tenant: Int64

    /// A record's place.
    struct Cell: Hashable {
        var gateway: String
        var service: String
        var dimension: String
        var quarterHour: Int64
    }

    /// What differs.
    struct Difference {
        /// Now less frozen, by dimension, and the first cell that differs.
        var quantities: [String: Int64] = [:]
        var first: Cell?
        var isDropped = false
        var recorded: [String: Int64] = [:]
        var count = 0

        /// A difference that the tapes bear out is late usage; one that they do not was made by hand.
        func link(tapes: Verification.Link) -> Verification.Link {
            let name = "inputs from consumption"
            if isDropped {
                return Verification.Link(name, .noLongerKept, ["the consumption records are past retention"])
            }
            guard let first else {
                return Verification.Link(name, .holds, ["\(count) records are as they were"])
            }
            let changes = quantities.filter { $0.value != 0 }.sorted { $0.key < $1.key }
                .map { "\($0.value > 0 ? "+" : "")\($0.value) \($0.key)" }
            let place = "\(first.service) at \(first.gateway), \(QuarterHour(number: first.quarterHour))"
            if tapes.state == .holds {
                let state = quantities == recorded ? "settled" : "to be settled with the next invoice"
                return Verification.Link(
                    name, .holds, ["late usage since: \(changes.joined(separator: ", ")), \(state); first \(place)"])
            }
            if quantities == recorded, !quantities.isEmpty, tapes.state == .noLongerKept {
                return Verification.Link(
                    name, .holds, ["late usage since: \(changes.joined(separator: ", ")), settled"])
            }
            return Verification.Link(
                name, .broken,
                ["consumption differs from what was frozen (\(changes.joined(separator: ", "))), first at \(place)"])
        }
    }

    func compare(_ rows: InvoiceRows, _ inputs: InvoiceInputs) async throws -> Difference {
        var difference = Difference()
        let start = Timestamp(inputs.period.start) ?? .earliest
        let end = Timestamp(inputs.period.end) ?? .earliest
        let floors = try await connection.execute(
            "SELECT FROM retention_floor WHERE subject = 'consumption' AND dropped_before > $1", [start.postgres])
        if !floors.isEmpty {
            difference.isDropped = true
            return difference
        }
        var frozen: [Cell: Int64] = [:]
        for block in inputs.usage {
            for (dimension, quantities) in block.quantities {
                for (quarterHour, quantity) in zip(block.quarterHours, quantities) where quantity != 0 {
                    frozen[
                        Cell(
                            gateway: block.gateway, service: block.service, dimension: dimension,
                            quarterHour: quarterHour)] = quantity
                }
            }
            difference.count += block.quarterHours.count
        }
        let records = try await connection.execute(
            """
            SELECT gateway.name, service.name, extract(epoch FROM quarter_hour)::bigint / 900, requests, new_connections,
                received_bytes, sent_bytes, responses_1xx, responses_2xx, responses_3xx, responses_4xx, responses_5xx
            FROM consumption JOIN gateway USING (gateway_id) JOIN service USING (tenant_id, service_id)
            WHERE tenant_id = $1 AND quarter_hour >= $2 AND quarter_hour < $3
            """, [tenant, start.postgres, end.postgres])
        let dimensions: [Dimension] = [
            .requests, .newConnections, .receivedBytes, .sentBytes, .responses1xx, .responses2xx, .responses3xx,
            .responses4xx, .responses5xx,
        ]
        func note(_ cell: Cell, _ change: Int64) {
            difference.quantities[cell.dimension, default: 0] += change
            if difference.first.map({ cell.quarterHour < $0.quarterHour }) ?? true { difference.first = cell }
        }
        for record in records {
            for (index, dimension) in dimensions.enumerated() {
                let cell = Cell(
                    gateway: try record.decode(0), service: try record.decode(1), dimension: dimension.rawValue,
                    quarterHour: try record.decode(2))
                let now: Int64 = try record.decode(3 + index)
                let then = frozen.removeValue(forKey: cell) ?? 0
                if now != then { note(cell, now - then) }
            }
        }
        for (cell, then) in frozen { note(cell, -then) }
        difference.quantities = difference.quantities.filter { $0.value != 0 }
        let late = try await connection.execute(
            "SELECT quantities FROM late_usage WHERE tenant_id = $1 AND invoice_id = $2", [tenant, rows.id])
        for row in late {
            let quantities: [String: Int64] = try CanonicalCoding.value(
                from: try row.decode(0, as: PostgresJSON.self).text, "late usage")
            difference.recorded.merge(quantities) { $0 + $1 }
        }
        difference.recorded = difference.recorded.filter { $0.value != 0 }
        return difference
    }
}

/// Consumption records against the tapes that they were derived from. Gateways are shared by tenants: what was derived is
/// kept for the next invoice.
struct TapeCheck {
    private struct Key: Hashable {
        var gateway: String
        var start: Timestamp
    }

    private var derived: [Key: [QuarterHour: [ServiceOfTenant: [Dimension: Int64]]]] = [:]

    mutating func link(
        _ inputs: InvoiceInputs, _ store: BillingStore, _ connection: PostgresConnection
    ) async throws -> Verification.Link {
        let name = "consumption from tapes"
        let start = Timestamp(inputs.period.start) ?? .earliest
        let end = Timestamp(inputs.period.end) ?? .earliest
        let floors = try await connection.execute(
            "SELECT dropped_before FROM retention_floor WHERE subject IN ('tape', 'consumption')")
        let floor = try floors.map { Timestamp(try $0.decode(0, as: PostgresTimestamp.self)) }.max() ?? .earliest
        if floor >= end { return Verification.Link(name, .noLongerKept, ["the tapes are past retention"]) }
        let rows = try await connection.execute(
            """
            WITH corrected AS (
                SELECT tenant_id, gateway_id, service_id, quarter_hour, sum(quantity)::bigint AS requests
                FROM correction JOIN correction_batch USING (correction_batch_id) JOIN tenant USING (tenant_id)
                WHERE tenant.name = $1 AND quarter_hour >= $2 AND quarter_hour < $3 AND dimension = 'requests'
                    AND applied_at IS NOT NULL AND reverted_at IS NULL
                GROUP BY 1, 2, 3, 4
            ),
            waiting AS (
                SELECT DISTINCT gateway_id, quarter_hour FROM tape_change
                WHERE quarter_hour >= $2 AND quarter_hour < $3
            )
            SELECT gateway.name, service.name, quarter_hour, consumption.requests, COALESCE(corrected.requests, 0),
                waiting.gateway_id IS NOT NULL
            FROM consumption JOIN gateway USING (gateway_id) JOIN service USING (tenant_id, service_id)
            JOIN tenant USING (tenant_id)
            LEFT JOIN corrected USING (tenant_id, gateway_id, service_id, quarter_hour)
            LEFT JOIN waiting USING (gateway_id, quarter_hour)
            WHERE tenant.name = $1 AND quarter_hour >= $2 AND quarter_hour < $3
            ORDER BY gateway.name, quarter_hour
            """,
            [inputs.terms.tenant, max(start, floor).postgres, end.postgres])
        var findings: [String] = []
        var waiting = 0
        let byGateway = Dictionary(grouping: rows.indices) { index in
            (try? rows[index].decode(0, as: String.self)) ?? ""
        }
        for (gateway, members) in byGateway.sorted(by: { $0.key < $1.key }) {
            let key = Key(gateway: gateway, start: start)
            let wanted = try members.map {
                QuarterHour(containing: Timestamp(try rows[$0].decode(2, as: PostgresTimestamp.self)))
            }
            var known = derived[key] ?? [:]
            let new = Set(wanted).filter { known[$0] == nil }
            if !new.isEmpty {
                let more = try await UsageStore(pool: store.pool, logger: store.logger)
                    .derivedConsumption(of: gateway, quarterHours: new.sorted(), on: connection)
                known.merge(more) { $1 }
                derived[key] = known
            }
            for (place, index) in members.enumerated() {
                let row = rows[index]
                if try row.decode(5, as: Bool.self) {
                    waiting += 1
                    continue
                }
                let service = ServiceOfTenant(tenant: inputs.terms.tenant, service: try row.decode(1))
                let tape = known[wanted[place]]?[service]?[.requests] ?? 0
                let (stored, correction) = (try row.decode(3, as: Int64.self), try row.decode(4, as: Int64.self))
                guard tape + correction != stored else { continue }
                findings.append(
                    "\(service.service) at \(gateway), \(wanted[place]): consumption says \(stored) requests, tapes "
                        + "\(tape)" + (correction != 0 ? " and corrections \(correction)" : ""))
            }
        }
        if findings.count > 5 { findings = Array(findings.prefix(5)) + ["and \(findings.count - 5) more"] }
        let note = waiting > 0 ? "; \(waiting) wait to be aggregated" : ""
        let older = floor > start ? "; those before \(floor) are past retention" : ""
        return Verification.Link(
            name, broken: findings, holds: "\(rows.count - waiting) records come out of their tapes" + note + older)
    }
}

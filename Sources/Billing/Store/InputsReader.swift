import FoundationEssentials
import Metering
import PostgreSQL
import Pricing
import UsageStore

/// Reads what invoices are computed from, for many contracts at once, in one transaction. What it returns is a copy.
///
/// Facts of gateways (their lives, gaps and meter readings) are read once for each gateway and period, however many
/// tenants it serves.
struct InputsReader {
    /// Why a period can not be finalized now.
    struct Waiting: Error, Hashable {
        var reason: String
    }

    let store: BillingStore
    let connection: PostgresConnection
    let now: Timestamp
    /// A preview shows what there is.
    let isPreview: Bool
    /// An operator decided to bill what there is, whatever the contract says.
    var allowsIncomplete = false
    var prices = PriceTable()
    private var gateways: [GatewayPeriod.Key: GatewayPeriod] = [:]

    init(store: BillingStore, connection: PostgresConnection, now: Timestamp, isPreview: Bool) {
        self.store = store
        self.connection = connection
        self.now = now
        self.isPreview = isPreview
    }

    /// The inputs of each period, or why there are none yet.
    mutating func read(_ due: [DuePeriod]) async throws -> [Result<InvoiceInputs, any Error>] {
        var results: [Result<InvoiceInputs, any Error>] = []
        let usage = try await usage(of: due)
        let crossings = try await crossings(of: due)
        let credits = try await credits(of: due)
        let adjustments = try await LateUsageReader(connection: connection).find(due, prices: &prices, store)
        for (index, period) in due.enumerated() {
            do {
                let price = try await prices.price(of: period, store, connection)
                let coverage = try await coverage(of: period, usage[index], crossings[index])
                let readings = try await readings(of: period, usage[index])
                let inputs = InvoiceInputs(
                    terms: period.terms, period: try InvoicePeriod(period.period, period.terms), price: price,
                    usage: usage[index], readings: readings, coverage: coverage,
                    adjustments: adjustments[index].compactMap(\.adjustment),
                    credits: (credits[period.tenant] ?? []).filter { $0.currency == period.terms.currency }
                        .map(\.credit))
                results.append(.success(inputs))
            } catch let error as PostgresError {
                throw error
            } catch {
                results.append(.failure(error))
            }
        }
        late = adjustments
        return results
    }

    /// What came late for earlier periods, by the due period that settles it; of the last ``read(_:)``.
    private(set) var late: [[LateUsageFinding]] = []

    // MARK: Usage

    private static let dimensions: [Dimension] = [
        .requests, .newConnections, .receivedBytes, .sentBytes, .responses1xx, .responses2xx, .responses3xx,
        .responses4xx, .responses5xx,
    ]

    private func usage(of due: [DuePeriod]) async throws -> [[UsageBlock]] {
        let rows = try await connection.execute(
            """
            SELECT place, gateway.name, service.name,
                array_agg(extract(epoch FROM quarter_hour)::bigint / 900 ORDER BY quarter_hour),
                array_agg(requests ORDER BY quarter_hour), array_agg(new_connections ORDER BY quarter_hour),
                array_agg(received_bytes ORDER BY quarter_hour), array_agg(sent_bytes ORDER BY quarter_hour),
                array_agg(responses_1xx ORDER BY quarter_hour), array_agg(responses_2xx ORDER BY quarter_hour),
                array_agg(responses_3xx ORDER BY quarter_hour), array_agg(responses_4xx ORDER BY quarter_hour),
                array_agg(responses_5xx ORDER BY quarter_hour)
            FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[])
                WITH ORDINALITY AS wanted (tenant_id, start_at, end_at, place)
            JOIN consumption ON consumption.tenant_id = wanted.tenant_id
                AND quarter_hour >= start_at AND quarter_hour < end_at
            JOIN gateway USING (gateway_id)
            JOIN service ON service.tenant_id = wanted.tenant_id AND service.service_id = consumption.service_id
            GROUP BY place, gateway.name, service.name
            ORDER BY place, gateway.name COLLATE "C", service.name COLLATE "C"
            """,
            [due.map(\.tenant), due.map(\.start.postgres), due.map(\.end.postgres)])
        var usage = [[UsageBlock]](repeating: [], count: due.count)
        for row in rows {
            var block = UsageBlock(
                gateway: try row.decode(1), service: try row.decode(2), quarterHours: try row.decode(3),
                quantities: [:])
            for (index, dimension) in Self.dimensions.enumerated() {
                let column: [Int64] = try row.decode(4 + index)
                // A column of zeros says nothing; the requests always stand there.
                if dimension == .requests || column.contains(where: { $0 != 0 }) {
                    block.quantities[dimension.rawValue] = column
                }
            }
            usage[Int(try row.decode(0, as: Int64.self)) - 1].append(block)
        }
        return usage
    }

    /// Usage whose interval spans an edge of the period.
    private func crossings(of due: [DuePeriod]) async throws -> [[InvoiceCoverage.Crossing]] {
        let starts = try await UsageStore.carried(over: due.map { ($0.tenant, $0.start) }, on: connection)
        let ends = try await UsageStore.carried(over: due.map { ($0.tenant, $0.end) }, on: connection)
        return due.indices.map { index in
            // What began before the period and was read after it crosses its end alone: nothing of it is billed here.
            starts[index].filter { $0.quarterHour < due[index].end }.map { InvoiceCoverage.Crossing($0, at: .start) }
                + ends[index].map { InvoiceCoverage.Crossing($0, at: .end) }
        }
    }

    // MARK: Credits

    private func credits(of due: [DuePeriod]) async throws -> [Int64: [(currency: String, credit: InvoiceCredit)]] {
        let rows = try await connection.execute(
            """
            SELECT prepaid_credit.tenant_id, credit_id, name, prepaid_credit.currency, expires_on::text,
                (-sum(amount_minor))::text
            FROM prepaid_credit JOIN ledger_entry USING (tenant_id, credit_id)
            WHERE prepaid_credit.tenant_id = ANY($1::bigint[])
            GROUP BY prepaid_credit.tenant_id, credit_id, name, prepaid_credit.currency, expires_on
            HAVING sum(amount_minor) < 0
            ORDER BY prepaid_credit.tenant_id, expires_on, credit_id
            """,
            [due.map(\.tenant)])
        var credits: [Int64: [(currency: String, credit: InvoiceCredit)]] = [:]
        for row in rows {
            let credit = InvoiceCredit(
                id: try row.decode(1, as: UUID.self).text, name: try row.decode(2), expires: try row.decode(4),
                amountMinor: try row.minorUnits(5))
            credits[try row.decode(0), default: []].append((try row.decode(3), credit))
        }
        return credits
    }

    // MARK: Gateways

    private mutating func gateway(_ name: String, _ due: DuePeriod) async throws -> GatewayPeriod {
        let key = GatewayPeriod.Key(gateway: name, start: due.start, end: due.end)
        if let known = gateways[key] { return known }
        let read = try await GatewayPeriod(key, store, connection, now: now)
        gateways[key] = read
        return read
    }

    private mutating func coverage(
        of due: DuePeriod, _ usage: [UsageBlock], _ crossings: [InvoiceCoverage.Crossing]
    ) async throws -> InvoiceCoverage {
        var lives: [Coverage.Life] = []
        var gaps: [InvoiceCoverage.Gap] = []
        var watermark: Timestamp?
        var lagging: [String] = []
        for name in Set(usage.map(\.gateway)).union(try await formerGateways(of: due, usage)).sorted() {
            let gateway = try await self.gateway(name, due)
            if !isPreview, let waits = gateway.waitsForAggregation {
                throw Waiting(
                    reason: "gateway \(name) has readings of \(waits) that are not aggregated yet: waybill aggregate")
            }
            lives += gateway.lives
            gaps += gateway.gaps.filter { $0.tenant == nil || $0.tenant == due.tenant }.map(\.gap)
            if let mark = gateway.watermark {
                watermark = min(watermark ?? mark, mark)
                if mark < due.end { lagging.append("\(name) has reported up to \(mark)") }
            }
        }
        let share = Coverage(lives: lives, from: due.start, to: due.end, asOf: max(due.start, min(due.end, now)))
        if !isPreview, !allowsIncomplete, !lagging.isEmpty {
            let reported = lagging.joined(separator: ", ")
            if now < due.graceEnd {
                throw Waiting(reason: "\(reported); grace runs until \(due.graceEnd)")
            }
            if due.terms.onIncomplete == .hold {
                throw Waiting(
                    reason: "\(reported); grace ran out at \(due.graceEnd) and the contract holds incomplete invoices: "
                        + "waybill invoice finalize ID --incomplete bills what there is")
            }
        }
        // A watermark beyond the end says nothing more of this period: two runs must write the same.
        return InvoiceCoverage(
            percent: share.percent, gaps: gaps, crossings: crossings,
            watermark: watermark.map { min($0, due.end).description }, isIncomplete: !lagging.isEmpty)
    }

    /// Gateways that the tenant's usage came through in the weeks before, of a period without usage: a gateway that is
    /// cut off from its start still has to report.
    private func formerGateways(of due: DuePeriod, _ usage: [UsageBlock]) async throws -> [String] {
        guard usage.isEmpty else { return [] }
        return try await connection.execute(
            """
            SELECT DISTINCT gateway.name FROM consumption JOIN gateway USING (gateway_id)
            WHERE tenant_id = $1 AND quarter_hour >= $2::timestamptz - interval '31 days' AND quarter_hour < $2
            """,
            [due.tenant, due.start.postgres]
        ).map { try $0.decode(0) }
    }

    private mutating func readings(of due: DuePeriod, _ usage: [UsageBlock]) async throws -> [MeterReading] {
        var readings: [MeterReading] = []
        for name in Set(usage.map(\.gateway)).sorted() {
            for reading in try await gateway(name, due).readings where reading.binding.tenant == due.terms.tenant {
                readings.append(MeterReading(reading, gateway: name))
            }
        }
        return readings
    }
}

extension InvoiceCoverage.Crossing {
    fileprivate init(_ span: CarriedSpan, at edge: Edge) {
        self.init(
            edge: edge, gateway: span.gateway, service: span.service, requests: span.requests,
            since: span.since.description, until: span.until.description)
    }
}

extension MeterReading {
    init(_ reading: BoundReading, gateway: String) {
        self.init(
            gateway: gateway, instance: reading.instance, epoch: reading.epoch, counter: reading.counter,
            service: reading.binding.service, dimension: reading.binding.dimension.rawValue,
            spans: reading.spans.map { span in
                Span(
                    opening: span.opening.value, openedAt: span.opening.time.description, closing: span.closing.value,
                    closedAt: span.closing.time.description)
            })
    }
}

extension PostgresRow {
    /// A `numeric` that was cast to text: whole minor units.
    func minorUnits(_ column: Int) throws -> Int128 {
        let text: String = try decode(column)
        guard let value = Int128(text) else {
            throw BillingError(.corrupt, "an amount of \(text) is not whole minor units")
        }
        return value
    }
}
